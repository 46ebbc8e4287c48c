/**
 * Registered prefixes: texts that operators put before the prompts of requests which name them, the
 * guide's {@code PrefixCache}.
 *
 * <p>A text that many prompts begin with is sent once, to the admin API, and stands in front of
 * each prompt from then on, the same byte for byte: so engines find it in their prefix caches, and
 * the strategies that go by those caches see it in the hashes of the whole prompt. Owns the book of
 * prefixes, a {@link io.penstock.bus.KeptBook} as that of keys is, the {@link
 * io.penstock.prefix.PrefixRegister} that is made of it on each change and shared by all ingress
 * loops, and the count of how prefixes were used. Hears PrefixMarks and AskPrefixes, says
 * PrefixMarks and PrefixUses.
 *
 * <p>Decisions:
 *
 * <ul>
 *   <li>The guide takes a prefix that nobody knows for none. Here the request is refused: an answer
 *       without the rules that it was to be given under is worse than none.
 *   <li>Who may not use a prefix is told the same as where there is none, so that ids tell nothing.
 *   <li>A prefix that was taken away stays in the book without its text, or an old file would bring
 *       it back.
 *   <li>What was saved is the engine's word and not a guess: where it reports no cached tokens,
 *       there was no hit.
 * </ul>
 */
@NullMarked
package io.penstock.prefix;

import org.jspecify.annotations.NullMarked;
