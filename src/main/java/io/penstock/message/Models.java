package io.penstock.message;

import io.penstock.inference.RequestId;
import java.util.List;

/** The router's catalogue. */
public record Models(RequestId id, List<ModelCard> cards) implements Message {}
