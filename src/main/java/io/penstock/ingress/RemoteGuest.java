package io.penstock.ingress;

import io.penstock.inference.RequestId;
import io.penstock.message.Bytes;
import io.penstock.message.LaneAnswer;
import io.penstock.message.LaneEnd;
import io.penstock.message.LaneSent;
import io.penstock.message.Message;
import io.penstock.message.Station;
import io.penstock.openai.Slice;
import java.util.List;
import java.util.function.Consumer;

/**
 * A lane whose client is at another loop: its answer goes over the bus in pieces, no more of them
 * ahead of what it has read than {@link LaneAnswer#WINDOW}, since a bus that is not read from drops
 * what it is sent.
 */
final class RemoteGuest implements Guest {
  private final RequestId batch;
  private final RequestId id;
  private final Station station;
  private final Consumer<Message> post;
  private int status;
  private String contentType = "";
  private String retryAfter = "";
  private List<Slice> body = List.of();
  private int slice;
  private int offset;
  private int number;
  private int read;
  private boolean answered;
  private boolean over;

  /**
   * @param post sends to the lane's loop
   */
  RemoteGuest(RequestId batch, RequestId id, Station station, Consumer<Message> post) {
    this.batch = batch;
    this.id = id;
    this.station = station;
    this.post = post;
  }

  Station station() {
    return station;
  }

  /** Whether it is a lane of this batch. */
  boolean isOf(RequestId which) {
    return batch.equals(which);
  }

  /** Whether nothing more is to be sent. */
  boolean isOver() {
    return over;
  }

  @Override
  public void sent() {
    post.accept(new LaneSent(batch, id));
  }

  @Override
  public void answer(int itsStatus, String itsType, String itsRetryAfter, List<Slice> itsBody) {
    status = itsStatus;
    contentType = itsType;
    retryAfter = itsRetryAfter;
    body = itsBody;
    answered = true;
    pump();
  }

  @Override
  public void fail(LaneEnd end) {
    over = true;
    post.accept(new LaneAnswer(batch, id, number, 0, "", "", Bytes.NONE, end));
  }

  /** The lane has read so many pieces. */
  void credit(int piecesRead) {
    read = Math.max(read, piecesRead);
    pump();
  }

  private void pump() {
    while (answered && !over && number - read < LaneAnswer.WINDOW) {
      byte[] piece = next();
      over = slice == body.size();
      post.accept(
          new LaneAnswer(
              batch,
              id,
              number++,
              status,
              contentType,
              retryAfter,
              new Bytes(piece),
              over ? LaneEnd.DONE : LaneEnd.MORE));
    }
    if (over) {
      body = List.of();
    }
  }

  private byte[] next() {
    int length = 0;
    int at = offset;
    for (int i = slice; i < body.size() && length < LaneAnswer.PIECE_BYTES; i++) {
      length += body.get(i).length() - at;
      at = 0;
    }
    byte[] piece = new byte[Math.min(length, LaneAnswer.PIECE_BYTES)];
    int filled = 0;
    while (filled < piece.length) {
      Slice from = body.get(slice);
      int part = Math.min(from.length() - offset, piece.length - filled);
      System.arraycopy(from.bytes(), from.offset() + offset, piece, filled, part);
      filled += part;
      offset += part;
      if (offset == from.length()) {
        slice++;
        offset = 0;
      }
    }
    while (slice < body.size() && body.get(slice).length() == 0) {
      slice++;
    }
    return piece;
  }
}
