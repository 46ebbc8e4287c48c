package io.penstock.inference;

/**
 * What a tenant may have of one model.
 *
 * @param model its canonical name
 */
public record ModelLimits(ModelName model, RateLimits limits) {}
