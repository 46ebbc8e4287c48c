/**
 * The route table: models, aliases, capabilities, fallback. Decides <em>what</em> serves a request,
 * an ordered plan of pools; never holds a queue.
 */
@NullMarked
package io.penstock.router;

import org.jspecify.annotations.NullMarked;
