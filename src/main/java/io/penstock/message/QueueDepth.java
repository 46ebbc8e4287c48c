package io.penstock.message;

import io.penstock.inference.Priority;

/** How many requests of one class wait. */
public record QueueDepth(Priority priority, int requests) {}
