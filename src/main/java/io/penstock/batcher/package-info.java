/**
 * One pool's queue and its ledger of grants. Decides when, where and with whom a request runs;
 * never opens a client connection.
 */
@NullMarked
package io.penstock.batcher;

import org.jspecify.annotations.NullMarked;
