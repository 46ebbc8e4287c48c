package io.penstock.ingress;

import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.RequestId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Grant;
import io.penstock.message.LaneEnd;
import io.penstock.openai.EmbeddingsSplit;
import io.penstock.openai.LaneBody;
import io.penstock.openai.Spliced;
import io.penstock.stream.FailureClass;
import java.util.List;
import java.util.Optional;

/** Embeddings for several requests: one answer in one piece, cut by its indices. */
final class EmbeddingsCall extends SharedCall {
  EmbeddingsCall(
      LoopParts loop,
      Grant grant,
      Pool pool,
      Host host,
      List<RequestId> ids,
      List<LaneBody> bodies) {
    super(loop, grant, pool, host, ids, bodies);
  }

  @Override
  void split(byte[] answer, TokenUsage used) {
    int[] inputs = bodies().stream().mapToInt(LaneBody::inputs).toArray();
    long[] weights = bodies().stream().mapToLong(LaneBody::weight).toArray();
    Optional<List<Spliced>> parts = EmbeddingsSplit.split(answer, inputs, weights);
    if (parts.isEmpty()) {
      failAll(LaneEnd.MALFORMED, FailureClass.MALFORMED);
      return;
    }
    host().note(Outcome.OK, used, 0);
    for (int i = 0; i < ids().size(); i++) {
      answer(ids().get(i), 200, parts.get().get(i).slices());
    }
  }
}
