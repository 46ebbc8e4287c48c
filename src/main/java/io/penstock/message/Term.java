package io.penstock.message;

/** One figure of a {@link Decision}, with its unit in its name. */
public record Term(String name, double value) {}
