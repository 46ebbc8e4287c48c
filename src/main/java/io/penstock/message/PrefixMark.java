package io.penstock.message;

import io.penstock.inference.NodeId;
import io.penstock.inference.PromptPrefix;
import java.util.Optional;

/**
 * Somebody's word on a registered prefix.
 *
 * @param target its id
 * @param prefix as it is; empty where it was taken away
 */
public record PrefixMark(String target, Optional<PromptPrefix> prefix, long stamp, NodeId by)
    implements Mark {
  private static final int CHARS_OF_USUAL_MARK = 512;

  @Override
  public int weight() {
    return 1 + prefix.map(each -> each.text().length() / CHARS_OF_USUAL_MARK).orElse(0);
  }
}
