package io.penstock.cli;

import picocli.CommandLine.Command;

/** {@code penstock}. */
@Command(
    name = "penstock",
    header = "Streams from GPU inference engines to OpenAI clients, on one node or many.",
    description = {
      "",
      "A node serves the OpenAI API in front of pools of engines (vLLM, SGLang, llama.cpp, TGI,"
          + " TensorRT-LLM, or anything else that speaks it). Nodes form a cluster by themselves."
    },
    synopsisSubcommandLabel = "COMMAND",
    commandListHeading = "%nCommands:%n",
    optionListHeading = "%nOptions:%n",
    footerHeading = "%nExamples:%n",
    footer = {
      "  penstock run conf/standalone.json                # all in one, with simulated engines",
      "  penstock run --backend http://127.0.0.1:8000     # in front of an engine that is running",
      "  penstock check conf/standalone.json              # what is wrong with a configuration",
      "  penstock engine-sim --replicas 3                 # engines without a GPU",
      "  penstock load --concurrency 8 http://127.0.0.1:8080",
      "  penstock replay --trace FILE --fleet FILE        # which strategy suits a trace and a fleet",
      "  penstock calibrate --data FILE --out FILE        # which prompts need the better model",
      "  penstock COMMAND --help                          # all about one command",
      "",
      "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration."
    })
final class PenstockCommand {}
