package io.penstock.message;

/**
 * Asks a node to drain, or not to, or how it stands; answered to {@code replyTo} by one {@link
 * NodeReport}.
 *
 * @param question number that the asker knows the answer by
 */
public record AskNode(long question, Station replyTo, NodeOrder order) implements Message {}
