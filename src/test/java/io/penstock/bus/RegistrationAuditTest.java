package io.penstock.bus;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.bus.RegistrationAudit.Entry;
import io.vertx.core.spi.cluster.RegistrationInfo;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RegistrationAuditTest {
  private static final RegistrationInfo OURS = new RegistrationInfo("self", 1, false);
  private static final RegistrationInfo THEIRS = new RegistrationInfo("other", 7, false);
  private static final Set<String> BOTH = Set.of("self", "other");

  private final RegistrationAudit audit = new RegistrationAudit("self");

  @Test
  void findsNothingWhereNothingIsWrong() {
    RegistrationAudit.Findings findings = audit.look(Map.of("x", List.of(OURS, THEIRS)), BOTH);
    assertThat(findings.missing()).isEmpty();
    assertThat(findings.stale()).isEmpty();
  }

  @Test
  void findsWhatTheRegistryHasLost() {
    Map<String, List<RegistrationInfo>> registry =
        Map.of("x", List.of(THEIRS), "y", List.of(), "z", List.of(OURS));
    assertThat(audit.look(registry, BOTH).missing()).containsExactly("x", "y");
  }

  @Test
  void callsStaleOnlyWhatTwoAuditsInARowHaveSeen() {
    Map<String, List<RegistrationInfo>> registry = Map.of("x", List.of(OURS, THEIRS));
    assertThat(audit.look(registry, Set.of("self")).stale()).isEmpty();
    assertThat(audit.look(registry, Set.of("self")).stale())
        .containsExactly(new Entry("x", THEIRS));
  }

  @Test
  void forgivesANodeThatIsAMemberTheNextTime() {
    Map<String, List<RegistrationInfo>> registry = Map.of("x", List.of(OURS, THEIRS));
    audit.look(registry, Set.of("self"));
    assertThat(audit.look(registry, BOTH).stale()).isEmpty();
    assertThat(audit.look(registry, Set.of("self")).stale()).isEmpty();
  }
}
