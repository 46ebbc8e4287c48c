/**
 * Client connections and upstream connections. Carries a request through and tells the truth about
 * how it ended; decides nothing about the fleet and never picks a replica.
 */
@NullMarked
package io.penstock.ingress;

import org.jspecify.annotations.NullMarked;
