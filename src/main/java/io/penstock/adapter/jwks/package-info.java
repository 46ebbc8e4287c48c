/**
 * The keys of issuers of tokens, over HTTP: the port {@link io.penstock.tenancy.JwksSource}. Owns a
 * client and a guard for each issuer; called on one event loop.
 */
@NullMarked
package io.penstock.adapter.jwks;

import org.jspecify.annotations.NullMarked;
