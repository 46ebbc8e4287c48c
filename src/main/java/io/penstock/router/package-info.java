/**
 * The role {@code router}: the route table. It decides <em>what</em> serves a request, an ordered
 * plan of pools, and never holds a queue.
 *
 * <p>Owns the names: models, aliases, capabilities, context lengths, the fallback model. Hears
 * Route and ListModels of the ingress loops and HealthReport of the probers, and follows what
 * drains; says Plan, Refusal and Models.
 *
 * <p>Decisions: what a pool does not declare is not held against it; an estimate refuses a request
 * only when it is clearly over; a model whose pools are all down keeps them in the plan, before the
 * fallback's, since a pool's owner hears sooner than a router that one is back; the table of
 * another configuration begins with what is known of the pools that stay.
 */
@NullMarked
package io.penstock.router;

import org.jspecify.annotations.NullMarked;
