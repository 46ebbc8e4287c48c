package io.penstock.openai;

/** Why a stream that broke does not go on at another replica. */
public enum ResumeRefusal {
  /** The client said {@code x-penstock-resume: off}. */
  CLIENT_OFF("client_off", "the request said so (x-penstock-resume: off)"),
  /** The pool is configured so. */
  POOL_OFF("pool_off", "its pool is configured so (resume: off)"),
  /** Neither the engine's kind nor its API description says that it can. */
  ENGINE("engine", "the engine can not continue a message"),
  /** It was resumed as often as is allowed. */
  TOO_MANY("too_many", "it had been resumed twice before"),
  /** More was relayed than is kept. */
  TOO_LARGE("too_large", "it had outgrown what is kept of a stream to go on elsewhere"),
  /** The last token is there; only the word of the engine that it was done is missing. */
  FINISHED("finished", "its text was complete, but the engine had not confirmed its end"),
  /** More than one choice. */
  CHOICES("choices", "it has more than one choice"),
  /** A tool call has begun, which can not be cut in two. */
  TOOL_CALLS("tool_calls", "a tool call had begun"),
  /** Log probabilities of the continuation would be those of another request. */
  LOGPROBS("logprobs", "it reports log probabilities"),
  /** A grammar would start anew in the middle. */
  CONSTRAINED("constrained", "its output is held to a format (guided decoding)"),
  /** A template strips or moves what was thought. */
  REASONING("reasoning", "it carries the model's reasoning"),
  /** Sound. */
  AUDIO("audio", "it carries audio"),
  /** Frames that say something that is not known here. */
  UNKNOWN_PAYLOAD("unknown_payload", "it carries something other than text"),
  /** A request whose prompt can not be extended by text. */
  REQUEST_FORM("request_form", "the request's form does not allow to append to its prompt");

  private final String label;
  private final String sentence;

  ResumeRefusal(String label, String sentence) {
    this.label = label;
    this.sentence = sentence;
  }

  /** The name in metrics. */
  public String label() {
    return label;
  }

  /** For the client, to follow {@code "it could not be resumed: "}; lower case, no full stop. */
  public String sentence() {
    return sentence;
  }

  @Override
  public String toString() {
    return label;
  }
}
