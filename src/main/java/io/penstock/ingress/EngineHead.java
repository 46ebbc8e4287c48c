package io.penstock.ingress;

import io.vertx.core.MultiMap;

/** What stands before the body of an engine's answer. */
record EngineHead(int status, MultiMap headers) {}
