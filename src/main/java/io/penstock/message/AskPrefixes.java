package io.penstock.message;

/**
 * Asks a node how its requests have used the registered prefixes. Sent to {@link Room#PREFIX};
 * answered by {@link PrefixUses}.
 *
 * @param question number of the asker
 */
public record AskPrefixes(long question, Station replyTo) implements Message {}
