package io.penstock.config;

import java.util.List;
import java.util.function.Function;

/** What came of loading a configuration: all of it, or every mistake in it. */
public sealed interface Loaded {
  /** It can be run. */
  record Ok(NodeConfig config, List<Advice> advice) implements Loaded {
    public Ok {
      advice = List.copyOf(advice);
    }

    @Override
    public <T> T fold(Function<Ok, T> ok, Function<Failed, T> failed) {
      return ok.apply(this);
    }
  }

  /** It can not be run; at least one mistake. */
  record Failed(List<Mistake> mistakes) implements Loaded {
    public Failed {
      mistakes = List.copyOf(mistakes);
    }

    @Override
    public <T> T fold(Function<Ok, T> ok, Function<Failed, T> failed) {
      return failed.apply(this);
    }
  }

  /** The one or the other, with no case forgotten. */
  <T> T fold(Function<Ok, T> ok, Function<Failed, T> failed);
}
