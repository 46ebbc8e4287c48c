package io.penstock.message;

import io.penstock.inference.NodeId;
import java.util.List;

/**
 * What one prober knows of its share of the replicas: of all of them every signal interval and when
 * somebody asks, and at once of those that have changed. Of a replica that is not in it nothing is
 * said.
 *
 * @param sequence grows by one with each report of this prober
 * @param partial whether it tells changes alone, which say little to who has not heard the share
 */
public record HealthReport(
    NodeId prober, long sequence, List<ReplicaStatus> replicas, boolean partial)
    implements Message {}
