package io.penstock.batcher;

/**
 * What a grant was charged.
 *
 * @param by the class that it was given in
 * @param promptTokens as they were estimated
 * @param tokens by {@link TokenCost}, not yet divided by the weight
 * @param weight of the tenant then
 */
record Charge(ClassQueue by, Account account, int promptTokens, double tokens, double weight) {}
