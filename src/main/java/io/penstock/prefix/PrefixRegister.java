package io.penstock.prefix;

import io.penstock.inference.PromptPrefix;
import io.penstock.inference.TenantId;
import io.penstock.message.PrefixMark;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** All prefixes at one moment. Immutable, and so shared by all event loops. */
public final class PrefixRegister {
  /** No prefix, and none to come. */
  public static final PrefixRegister EMPTY = new PrefixRegister(List.of(), true);

  private final Map<String, PromptPrefix> byId = new HashMap<>();
  private final boolean isComplete;
  private final long bytes;

  private PrefixRegister(Collection<PrefixMark> marks, boolean isComplete) {
    marks.forEach(mark -> mark.prefix().ifPresent(prefix -> byId.put(prefix.id(), prefix)));
    this.isComplete = isComplete;
    this.bytes = byId.values().stream().mapToLong(PromptPrefix::bytes).sum();
  }

  /**
   * What the marks say.
   *
   * @param isComplete whether there are no other marks, so that what is not in it is not there
   */
  public static PrefixRegister of(Collection<PrefixMark> marks, boolean isComplete) {
    return new PrefixRegister(marks, isComplete);
  }

  /** A prefix by its id. */
  public Optional<PromptPrefix> of(String id) {
    return Optional.ofNullable(byId.get(id));
  }

  /** All prefixes, by id. */
  public List<PromptPrefix> all() {
    return byId.values().stream().sorted(Comparator.comparing(PromptPrefix::id)).toList();
  }

  /** Those that a tenant may use, by id. */
  public List<PromptPrefix> all(TenantId user) {
    return all().stream().filter(prefix -> prefix.isFor(user)).toList();
  }

  /** Whether an id that is not in it is nobody's. */
  public boolean isComplete() {
    return isComplete;
  }

  int size() {
    return byId.size();
  }

  /** Of all texts, in UTF-8. */
  long bytes() {
    return bytes;
  }
}
