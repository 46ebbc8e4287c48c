package io.penstock.admin;

import io.penstock.bus.View;
import io.penstock.inference.Pool;
import io.penstock.message.PoolReport;
import java.util.Optional;

/**
 * One pool as it looks from here.
 *
 * @param owner by the view; empty when no node has the role
 * @param report of the owner; empty when it did not answer
 * @param why there is no report; empty when there is one
 */
record PoolLook(Pool pool, Optional<View.Node> owner, Optional<PoolReport> report, String why) {}
