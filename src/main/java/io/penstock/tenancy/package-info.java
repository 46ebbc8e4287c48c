/**
 * Who may ask for what, and how much of it: tenants, their keys and tokens, and their limits.
 *
 * <p>Tenants and keys come from the configuration, and from operators by the admin API ({@link
 * io.penstock.tenancy.KeyStore}). What operators order is a book of marks that all nodes keep and
 * gossip, as drains are, and that each node keeps in a file of its own: it survives as long as one
 * node or one file does. From both a {@link io.penstock.tenancy.Register} is made on each change,
 * an immutable look-up table that all ingress loops share; each loop has a {@link
 * io.penstock.tenancy.Door} that asks it.
 *
 * <p>Limits are kept by one node for each tenant ({@code LimitKeeper}, in {@link
 * io.penstock.tenancy.LimitsVerticle}), or in Redis behind the port {@link
 * io.penstock.tenancy.LimitStore}. Each ingress loop has a {@link io.penstock.tenancy.LimitDesk}
 * where its requests reserve what they may need before they are served, and settle what they have
 * used afterwards, once, however they ended. The bound, and why it holds, stands at {@code
 * LimitKeeper}.
 *
 * <p>Decisions:
 *
 * <ul>
 *   <li>Secrets are kept nowhere, only their SHA-256. A key that was made is shown once.
 *   <li>A tenant of the configuration is changed there; what operators add is beside it. A key of
 *       the configuration can be ended by an operator at once, since that may not wait for a
 *       deployment.
 *   <li>A revoked key stays in the book, or an old file would bring it back.
 *   <li>A file that is not as it was written is an error at the start, and never an empty book:
 *       that would let revoked keys in that the configuration still has.
 *   <li>A library of token buckets was not taken: a bucket allows twice its limit in a minute that
 *       spans a refill, and none of them settles a reservation with what was used.
 *   <li>What loops tell the keeper is their whole state and not a difference, so a lost message is
 *       made good by the next one.
 *   <li>Tokens are checked on the loop that meets them and remembered until they expire; only
 *       signatures that need no shared secret are believed.
 * </ul>
 */
@NullMarked
package io.penstock.tenancy;

import org.jspecify.annotations.NullMarked;
