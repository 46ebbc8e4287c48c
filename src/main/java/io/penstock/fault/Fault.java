package io.penstock.fault;

/**
 * Every way in which a request can fail by our own word. An engine's 4xx passes through and is none
 * of these.
 */
public enum Fault {
  /** The body is not a JSON object. */
  INVALID_JSON(400, "invalid_request_error", "invalid_json", Retry.NEVER),

  /** A field that the endpoint needs is absent. */
  MISSING_FIELD(400, "invalid_request_error", "missing_field", Retry.NEVER),

  /** A field or header has a value that is not allowed. */
  INVALID_VALUE(400, "invalid_request_error", "invalid_value", Retry.NEVER),

  /** The model exists but can not do what the request needs. */
  UNSUPPORTED_CAPABILITY(400, "invalid_request_error", "unsupported_capability", Retry.NEVER),

  /** Prompt and max_tokens do not fit the model. */
  CONTEXT_LENGTH_EXCEEDED(400, "invalid_request_error", "context_length_exceeded", Retry.NEVER),

  /** The configuration that was to be read again has mistakes. */
  INVALID_CONFIGURATION(400, "invalid_request_error", "invalid_configuration", Retry.NEVER),

  /** No key, or another one. */
  INVALID_API_KEY(401, "authentication_error", "invalid_api_key", Retry.NEVER),

  /** A name of this machine that an admin API without a key does not answer to. */
  HOST_NOT_ALLOWED(403, "permission_error", "host_not_allowed", Retry.NEVER),

  /** A browser's page of an origin that is not configured. */
  ORIGIN_NOT_ALLOWED(403, "permission_error", "origin_not_allowed", Retry.NEVER),

  /** The key is valid, and not for this model. */
  MODEL_NOT_ALLOWED(403, "permission_error", "model_not_allowed", Retry.NEVER),

  /** The key is valid, and its tenant's requests may not be served in this region. */
  RESIDENCY_VIOLATION(403, "permission_error", "residency_violation", Retry.NEVER),

  /** No pool serves the model. */
  MODEL_NOT_FOUND(404, "not_found_error", "model_not_found", Retry.NEVER),

  /** No prefix of this name is registered, or none for this tenant. */
  PREFIX_NOT_FOUND(404, "not_found_error", "prefix_not_found", Retry.NEVER),

  /** No replica, pool or node of this name. */
  UNKNOWN_TARGET(404, "not_found_error", "unknown_target", Retry.NEVER),

  /** No such endpoint. */
  UNKNOWN_PATH(404, "not_found_error", "unknown_path", Retry.NEVER),

  /** The endpoint exists, the method does not. */
  METHOD_NOT_ALLOWED(405, "invalid_request_error", "method_not_allowed", Retry.NEVER),

  /** What was ordered does not go with what there is. */
  CONFLICT(409, "invalid_request_error", "conflict", Retry.NEVER),

  /** total_ms passed before the first byte. */
  DEADLINE_EXCEEDED(408, "timeout_error", "deadline_exceeded", Retry.LATER),

  /** The client read its stream so slowly that others had to wait for it. */
  CLIENT_TOO_SLOW(408, "timeout_error", "client_too_slow", Retry.LATER),

  /** The body is larger than max_body_bytes. */
  BODY_TOO_LARGE(413, "invalid_request_error", "body_too_large", Retry.NEVER),

  /** The tenant, the key or the tenant's model has had its requests of this minute. */
  REQUEST_LIMIT(429, "rate_limit_error", "requests", Retry.LATER),

  /** The tenant, the key or the tenant's model has had its tokens of this minute. */
  TOKEN_LIMIT(429, "rate_limit_error", "tokens", Retry.LATER),

  /** The tenant, the key or the tenant's model has as many requests at once as it may. */
  CONCURRENCY_LIMIT(429, "rate_limit_error", "concurrency", Retry.LATER),

  /** The pool's queue is full, or the predicted wait passes the deadline. */
  QUEUE_FULL(429, "rate_limit_error", "queue_full", Retry.LATER),

  /** queue_ms passed while waiting for a slot. */
  QUEUE_TIMEOUT(429, "rate_limit_error", "queue_timeout", Retry.LATER),

  /** A bug of ours; the log has it under the request id. */
  INTERNAL(500, "internal_error", "internal_error", Retry.LATER),

  /** The engine failed before the first byte. */
  BAD_GATEWAY(502, "upstream_error", "bad_gateway", Retry.LATER),

  /** connect_ms passed before the engine accepted the connection. */
  CONNECT_TIMEOUT(502, "upstream_error", "connect_timeout", Retry.LATER),

  /** The engine ended a stream without finishing it. */
  UPSTREAM_TRUNCATED(502, "upstream_error", "upstream_truncated", Retry.LATER),

  /** Tokens can not be checked: their issuer's keys are not there. */
  KEYS_UNAVAILABLE(503, "unavailable_error", "keys_unavailable", Retry.LATER),

  /** The prefix is not known here, and this node has not been able to read all that there are. */
  PREFIXES_UNAVAILABLE(503, "unavailable_error", "prefixes_unavailable", Retry.LATER),

  /** No healthy replica serves the pool. */
  NO_REPLICA(503, "unavailable_error", "no_replica", Retry.LATER),

  /** A pool that one node names is not in the configuration of another: their fleets differ. */
  UNKNOWN_POOL(503, "unavailable_error", "unknown_pool", Retry.LATER),

  /** This node is shutting down, or the pool is being drained and no other serves the model. */
  DRAINING(503, "unavailable_error", "draining", Retry.LATER),

  /** A part of the cluster did not answer the admin API in time. */
  NO_ANSWER(504, "timeout_error", "no_answer", Retry.LATER),

  /** first_token_ms passed before the first token. */
  FIRST_TOKEN_TIMEOUT(504, "timeout_error", "first_token_timeout", Retry.LATER),

  /** idle_ms passed between two frames of a stream. */
  IDLE_TIMEOUT(504, "timeout_error", "idle_timeout", Retry.LATER);

  /** Whether the same request may succeed later without a change. */
  public enum Retry {
    /** It will fail again: {@code x-should-retry: false}. */
    NEVER,
    /** It may succeed later: {@code Retry-After} where the time is known. */
    LATER
  }

  private final int status;
  private final String type;
  private final String code;
  private final Retry retry;

  Fault(int status, String type, String code, Retry retry) {
    this.status = status;
    this.type = type;
    this.code = code;
    this.retry = retry;
  }

  /** The HTTP status, where the status line has not been sent yet. */
  public int status() {
    return status;
  }

  /** {@code error.type} of the OpenAI error body. */
  public String type() {
    return type;
  }

  /** {@code error.code} of the OpenAI error body; also the label in metrics. */
  public String code() {
    return code;
  }

  /** Retry advice for the client. */
  public Retry retry() {
    return retry;
  }
}
