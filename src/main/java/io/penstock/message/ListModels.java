package io.penstock.message;

import io.penstock.inference.RequestId;

/** Asks the router for the catalogue; answered by {@link Models}. */
public record ListModels(RequestId id, Station replyTo) implements Message {}
