package io.penstock.ingress;

import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import io.penstock.message.Station;
import io.penstock.time.Clock;
import io.vertx.core.http.HttpClient;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What the exchanges of one ingress loop share. Touched on that loop only.
 *
 * @param pools facts about engines by pool: dialect, model name, key
 * @param settle takes each exchange's end, once
 */
record Lane(
    Station self,
    IngressConfig config,
    Map<PoolName, Pool> pools,
    Clock clock,
    HttpClient engines,
    SlotClaims slots,
    RouteCalls routes,
    Consumer<Exchange> opened,
    Consumer<Settlement> settle,
    Consumer<RequestId> closed) {}
