package io.penstock.sim;

import com.fasterxml.jackson.core.io.JsonStringEncoder;

/**
 * A token as text, and as it stands inside a JSON string.
 *
 * @param text what it says
 * @param json the same, escaped, in UTF-8; not to be changed
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody, shared by all frames
record Token(String text, byte[] json) {
  static Token of(String text) {
    return new Token(text, JsonStringEncoder.getInstance().quoteAsUTF8(text));
  }
}
