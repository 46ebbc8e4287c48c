package io.penstock.architecture;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.ArchConfiguration;
import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Reads the {@link RoomMap} and holds the code to it. */
class ArchitectureTest {
  private static final Path SOURCES = Path.of("src/main/java/io/penstock");
  private static final Path TEST_SOURCES = Path.of("src/test/java/io/penstock");

  /** Comments, text blocks, strings and characters: what a search for words must not look at. */
  private static final Pattern NOT_CODE =
      Pattern.compile(
          "/\\*.*?\\*/|//[^\n]*|\"\"\".*?\"\"\"|\"(?:\\\\.|[^\"\\\\\n])*\"|'(?:\\\\.|[^'\\\\\n])+'",
          Pattern.DOTALL);

  private static JavaClasses code;
  private static JavaClasses tests;

  @BeforeAll
  static void read() {
    // Names are enough to judge by; reading every library behind them takes half a minute.
    ArchConfiguration.get().setResolveMissingDependenciesFromClassPath(false);
    code =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_JARS)
            .importPackages(RoomMap.ROOT);
    tests =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.ONLY_INCLUDE_TESTS)
            .importPackages(RoomMap.ROOT);
    assertThat(code.contain(io.penstock.openai.BodyScan.class)).isTrue();
    assertThat(tests.contain(ArchitectureTest.class)).isTrue();
  }

  @Test
  void theMapItselfHasNoCycles() {
    Set<String> above = new TreeSet<>();
    RoomMap.rooms()
        .forEach(
            (room, uses) -> {
              Set<String> below = new TreeSet<>(uses);
              below.remove(room);
              if (!Set.of("time", "fault", "inference", "measure").contains(room)) {
                below.removeAll(above);
                assertThat(below).as("rooms below '%s' on the map that it may use", room).isEmpty();
              } else {
                assertThat(above).as("rooms above the leaf '%s'", room).containsAll(below);
              }
              above.add(room);
            });
  }

  @Test
  void everyPackageIsOnTheMap() {
    assertThat(Set.copyOf(RoomMap.rooms().keySet()))
        .as("rooms on the map")
        .containsAll(packages(code));
  }

  private static Set<String> packages(JavaClasses classes) {
    Set<String> rooms = new TreeSet<>();
    for (JavaClass each : classes) {
      rooms.add(RoomMap.roomOf(each.getPackageName()).orElse("(root) " + each.getName()));
    }
    return rooms;
  }

  @Test
  void roomsUseOnlyTheRoomsThatTheMapAllows() {
    Map<String, Set<String>> rooms = RoomMap.rooms();
    Map<String, String> offences = new TreeMap<>();
    for (JavaClass each : code) {
      String room = RoomMap.roomOf(each.getPackageName()).orElseThrow();
      for (Dependency use : each.getDirectDependenciesFromSelf()) {
        RoomMap.roomOf(use.getTargetClass().getBaseComponentType().getPackageName())
            .filter(other -> !other.equals(room))
            .filter(other -> !rooms.getOrDefault(room, Set.of()).contains(other))
            .ifPresent(other -> offences.put(room + " may not use " + other, use.getDescription()));
      }
    }
    assertThat(offences).isEmpty();
  }

  @Test
  void thereAreNoCycles() {
    slices().matching("io.penstock.(**)").should().beFreeOfCycles().check(code);
  }

  @Test
  void roomsWithoutVertx() {
    noClasses()
        .that()
        .resideInAnyPackage(
            ours(
                "time", "fault", "inference", "measure", "message", "openai", "stream", "kvevents"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.vertx..", "io.netty..", "com.hazelcast..", "com.fasterxml..")
        .because("leaves, messages and organs are plain Java over plain values")
        .check(code);
  }

  @Test
  void coresDoNotKnowTheirShells() {
    classes()
        .that(resideInAnyPackage(ours("ingress", "router", "batcher", "prober", "sim", "load")))
        .and(DescribedPredicate.not(SHELL))
        .should(notUse(SHELL))
        .because("a core runs the same in a verticle, in a test and in virtual time")
        .check(code);
  }

  /**
   * Ours, and written against the event loop, by itself or by what it extends; nested classes count
   * as their outermost class. Vert.x's JSON types are plain values and make no shell.
   */
  private static final DescribedPredicate<JavaClass> SHELL =
      DescribedPredicate.describe(
          "classes of ours that use Vert.x",
          each -> {
            JavaClass outermost = outermost(each);
            return isOurs(outermost)
                && Stream.concat(Stream.of(outermost), outermost.getAllRawSuperclasses().stream())
                    .filter(ArchitectureTest::isOurs)
                    .anyMatch(ArchitectureTest::usesVertx);
          });

  private static boolean isOurs(JavaClass each) {
    return RoomMap.roomOf(each.getPackageName()).isPresent();
  }

  private static boolean usesVertx(JavaClass each) {
    return familyOf(each)
        .flatMap(member -> member.getDirectDependenciesFromSelf().stream())
        .map(use -> use.getTargetClass().getBaseComponentType().getPackageName())
        .filter(used -> !used.equals("io.vertx.core.json"))
        .anyMatch(used -> used.startsWith("io.vertx") || used.startsWith("io.netty"));
  }

  /** The class and all that are nested in it. */
  private static Stream<JavaClass> familyOf(JavaClass outermost) {
    return outermost.getPackage().getClasses().stream()
        .filter(each -> outermost(each).equals(outermost));
  }

  private static JavaClass outermost(JavaClass each) {
    return each.getEnclosingClass().map(ArchitectureTest::outermost).orElse(each);
  }

  private static ArchCondition<JavaClass> notUse(DescribedPredicate<JavaClass> forbidden) {
    return new ArchCondition<>("not use " + forbidden.getDescription()) {
      @Override
      public void check(JavaClass from, ConditionEvents events) {
        for (Dependency use : from.getDirectDependenciesFromSelf()) {
          JavaClass target = use.getTargetClass().getBaseComponentType();
          if (forbidden.test(target)) {
            events.add(SimpleConditionEvent.violated(from, use.getDescription()));
          }
        }
      }
    };
  }

  @Test
  void onlyTheClockReadsTheTime() {
    noClasses()
        .that()
        .resideOutsideOfPackages(ours("time"))
        .should()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(System.class, "nanoTime")
        .orShould()
        .callMethodWhere(
            callTo(
                "now of java.time", "java.time", Set.of("now", "systemUTC", "systemDefaultZone")))
        .because("shells get a Clock, cores get the time as an argument")
        .check(code);
  }

  @Test
  void coresAreHandedTheirRandomness() {
    noClasses()
        .that(DescribedPredicate.not(SHELL))
        .should()
        .callMethod(java.util.concurrent.ThreadLocalRandom.class, "current")
        .orShould()
        .callMethod(Math.class, "random")
        .orShould()
        .callMethod(java.util.UUID.class, "randomUUID")
        .orShould()
        .callConstructor(java.util.Random.class)
        .orShould()
        .callConstructor(java.util.SplittableRandom.class)
        .orShould()
        .callConstructor(java.security.SecureRandom.class)
        .because("same inputs, same decisions; take a RandomGenerator or a seed")
        .check(code);
  }

  private static DescribedPredicate<JavaCall<?>> callTo(
      String description, String inPackage, Set<String> names) {
    return DescribedPredicate.describe(
        description,
        call ->
            call.getTargetOwner().getPackageName().equals(inPackage)
                && names.contains(call.getName()));
  }

  @Test
  void nobodyLocks() throws IOException {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAPackage("java.util.concurrent.locks..")
        .because("a core belongs to one event loop")
        .check(code);
    noMethods().should().haveModifier(JavaModifier.SYNCHRONIZED).check(code);
    assertThat(filesWith(SOURCES, "\\bsynchronized\\b")).isEmpty();
  }

  @Test
  void rolesShareNoFields() {
    noFields()
        .that()
        .areDeclaredInClassesThat(
            resideInAnyPackage(ours("ingress", "router", "batcher", "prober"))
                .and(DescribedPredicate.not(METERS)))
        .should()
        .haveModifier(JavaModifier.VOLATILE)
        .because("one writer per state, on one event loop; only meters are read from outside")
        .check(code);
  }

  private static final DescribedPredicate<JavaClass> METERS =
      DescribedPredicate.describe(
          "classes that hold meters",
          each ->
              familyOf(outermost(each))
                  .flatMap(member -> member.getDirectDependenciesFromSelf().stream())
                  .map(use -> use.getTargetClass().getPackageName())
                  .anyMatch(used -> used.startsWith("io.micrometer")));

  @Test
  void nobodySleeps() {
    for (JavaClasses each : List.of(code, tests)) {
      noClasses()
          .that()
          .resideOutsideOfPackage("..jmh_generated..") // what JMH makes of a benchmark
          .should()
          .callMethodWhere(callTo("Thread.sleep", "java.lang", Set.of("sleep")))
          .orShould()
          .callMethodWhere(callTo("TimeUnit.sleep", "java.util.concurrent", Set.of("sleep")))
          .because("timers wait in production code, and conditions or virtual time in tests")
          .check(each);
    }
  }

  @Test
  void onlyTheCommandsPrint() {
    noClasses()
        .that()
        .resideOutsideOfPackages(ours("cli"))
        .should()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .orShould()
        .callMethod(System.class, "exit", int.class)
        .because("rooms log with SLF4J, and only a command may end the process")
        .check(code);
  }

  @Test
  void foreignLibrariesStayInTheirRooms() {
    onlyIn("com.hazelcast..", "bus");
    onlyIn("picocli..", "cli");
    onlyIn("de.bwaldvogel..", "calibrate");
    onlyIn("org.zeromq..", "adapter.kvevents", "sim");
    onlyIn("zmq..", "adapter.kvevents", "sim");
    onlyIn("org.msgpack..", "kvevents", "sim");
    onlyIn("com.sun.net..");
    onlyIn("java.util.logging..");
  }

  private static void onlyIn(String library, String... rooms) {
    noClasses()
        .that(DescribedPredicate.not(resideInAnyPackage(ours(rooms))))
        .should()
        .dependOnClassesThat(resideInAPackage(library))
        .because(library + " is used in " + List.of(rooms) + " only")
        .check(code);
  }

  @Test
  void everyRoomIntroducesItself() throws IOException {
    List<String> offences = new ArrayList<>();
    Set<Path> folders = new TreeSet<>();
    for (Path source : javaFiles(SOURCES)) {
      folders.add(source.getParent());
    }
    assertThat(folders).isNotEmpty();
    for (Path folder : folders) {
      Path info = folder.resolve("package-info.java");
      String text = Files.exists(info) ? Files.readString(info) : "";
      if (!text.contains("@NullMarked")) {
        offences.add(folder + ": package-info.java with @NullMarked is missing");
      }
      if (!Pattern.compile("^/\\*\\*.{10,}?\\*/\\s*@NullMarked", Pattern.DOTALL)
          .matcher(text)
          .find()) {
        offences.add(folder + ": package-info.java has no paragraph of Javadoc");
      }
    }
    assertThat(offences).isEmpty();
  }

  @Test
  void nothingIsLeftForLater() throws IOException {
    Pattern later = Pattern.compile("\\b(TODO|FIXME|XXX|HACK)\\b");
    List<String> offences = new ArrayList<>();
    for (Path root : List.of(SOURCES, TEST_SOURCES)) {
      for (Path file : javaFiles(root)) {
        boolean self = file.endsWith("ArchitectureTest.java");
        if (!self && later.matcher(Files.readString(file)).find()) {
          offences.add(file.toString());
        }
      }
    }
    assertThat(offences).isEmpty();
    assertThat(filesWith(TEST_SOURCES, "@Disabled\\b")).isEmpty();
  }

  /** Files whose code, without comments and strings, matches. */
  private static List<String> filesWith(Path root, String regex) throws IOException {
    Pattern wanted = Pattern.compile(regex);
    List<String> found = new ArrayList<>();
    for (Path file : javaFiles(root)) {
      String text = NOT_CODE.matcher(Files.readString(file)).replaceAll(" ");
      if (wanted.matcher(text).find()) {
        found.add(file.toString());
      }
    }
    return found;
  }

  private static List<Path> javaFiles(Path root) throws IOException {
    try (Stream<Path> walk = Files.walk(root)) {
      return walk.filter(path -> path.toString().endsWith(".java")).sorted().toList();
    }
  }

  private static String[] ours(String... rooms) {
    return Stream.of(rooms).map(room -> RoomMap.ROOT + "." + room).toArray(String[]::new);
  }
}
