package io.penstock.bus;

import java.util.Optional;

/**
 * What an operator ordered of a {@link KeptBook}, which holds.
 *
 * @param what was done, as it is now
 * @param warning in words, where it could not be stored and so is lost when all nodes are down at
 *     once; it is tried again until it can
 * @param <T> of what was done
 */
public record Done<T>(T what, Optional<String> warning) {}
