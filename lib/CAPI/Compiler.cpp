//===- Compiler.cpp - Compile attention from C ----------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir-c/Compiler.h"
#include "Attention.h"
#include "simplexir/Codegen/Chips.h"
#include "simplexir/Codegen/Compiler.h"
#include "simplexir/Codegen/Pipelines.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

#include <new>
#include <pthread.h>

using namespace mlir;
using namespace simplexir;

/// Immutable, so that threads need no lock: each call has a context of its own.
struct SimplexirCompiler {
  DialectRegistry registry;
};

namespace {
struct Message {
  DiagnosticSeverity severity;
  std::string file, text;
  unsigned line = 0, column = 0;
};
} // namespace

struct SimplexirOutcome {
  SimplexirCompilerStatus status = SIMPLEXIR_COMPILER_OK;
  std::vector<Message> messages;
  std::string text, artifact;

  void add(Message message);
  void add(Diagnostic &diagnostic);
  SimplexirCompilerStatus fail(SimplexirCompilerStatus code,
                               const llvm::Twine &text) {
    add({DiagnosticSeverity::Error, "", text.str()});
    return code;
  }
};

static int32_t toSeverity(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Note:
    return SIMPLEXIR_SEVERITY_NOTE;
  case DiagnosticSeverity::Remark:
    return SIMPLEXIR_SEVERITY_REMARK;
  case DiagnosticSeverity::Warning:
    return SIMPLEXIR_SEVERITY_WARNING;
  case DiagnosticSeverity::Error:
    break;
  }
  return SIMPLEXIR_SEVERITY_ERROR;
}

void SimplexirOutcome::add(Message message) {
  static constexpr const char *names[] = {"note", "remark", "warning", "error"};
  if (!message.file.empty())
    text += message.file + ":" + std::to_string(message.line) + ":" +
            std::to_string(message.column) + ": ";
  text += std::string(names[toSeverity(message.severity)]) + ": " +
          message.text + "\n";
  messages.push_back(std::move(message));
}

void SimplexirOutcome::add(Diagnostic &diagnostic) {
  Message message{diagnostic.getSeverity(), "", diagnostic.str()};
  if (auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>()) {
    message.file = place.getFilename().str();
    message.line = place.getLine();
    message.column = place.getColumn();
  }
  add(std::move(message));
  for (Diagnostic &note : diagnostic.getNotes())
    add(note);
}

namespace {
/// What is compiled: the bytes of a module, or one described operation.
struct Input {
  const void *module = nullptr;
  size_t size = 0;
  const SimplexirAttention *attention = nullptr;
  bool isDescribed = false;
};

/// One call: from its arguments to its outcome.
struct Request {
  const SimplexirCompiler *compiler;
  Input input;
  const SimplexirCompileOptions *given;
  SimplexirOutcome &outcome;
  bool checkOnly;
  CompileOptions options = {};

  SimplexirCompilerStatus checkArguments();
  OwningOpRef<ModuleOp> readModule(MLIRContext &context);
  SimplexirCompilerStatus checkChips(ModuleOp module);
  SimplexirCompilerStatus classifyFailure(ModuleOp module);
  SimplexirCompilerStatus run();
  SimplexirCompilerStatus failWithoutMemory() noexcept;
};
} // namespace

SimplexirCompilerStatus Request::checkArguments() {
  auto invalid = [&](const llvm::Twine &text) {
    return outcome.fail(SIMPLEXIR_COMPILER_INVALID_ARGUMENT, text);
  };
  if (!compiler)
    return invalid("compiler is null");
  if (input.isDescribed) {
    if (std::string why = checkDescription(input.attention); !why.empty())
      return invalid(why);
  } else if (!input.module) {
    return invalid("module is null");
  }
  if (!given)
    return invalid("options is null");
  if (given->structSize < sizeof(SimplexirCompileOptions))
    return invalid("structSize of options is " +
                   llvm::Twine(given->structSize) + ", expected at least " +
                   llvm::Twine(sizeof(SimplexirCompileOptions)));
  if (!given->chips || given->numChips == 0)
    return invalid("options names no chip");
  for (size_t i = 0; i < given->numChips; ++i) {
    if (!given->chips[i])
      return invalid("chip " + llvm::Twine(i) + " is null");
    std::string name = given->chips[i];
    std::string reason;
    if (isGpuChipName(name)) {
      if (llvm::Expected<GpuChip> gpu = lookupGpuChip(name); !gpu)
        reason = llvm::toString(gpu.takeError());
    } else if (llvm::Expected<CpuChip> cpu = lookupCpuChip(name)) {
      name = cpu->name; // `native` is this machine's; an artifact travels
    } else {
      reason = llvm::toString(cpu.takeError());
    }
    if (!reason.empty())
      return outcome.fail(SIMPLEXIR_COMPILER_UNKNOWN_CHIP, reason);
    if (!llvm::is_contained(options.chips, name))
      options.chips.push_back(name);
  }
  if (given->ptxas)
    options.ptxas = given->ptxas;
  options.portablePtx = !given->noPortablePtx;
  return SIMPLEXIR_COMPILER_OK;
}

SimplexirCompilerStatus Request::checkChips(ModuleOp module) {
  bool supported = true;
  for (const std::string &chip : options.chips)
    supported &= succeeded(checkKernels(module, chip));
  return supported ? SIMPLEXIR_COMPILER_OK : SIMPLEXIR_COMPILER_UNSUPPORTED;
}

/// Compiling failed: before code generation, or in it?
SimplexirCompilerStatus Request::classifyFailure(ModuleOp module) {
  // The reason has been told.
  ScopedDiagnosticHandler ignore(module.getContext(),
                                 [](Diagnostic &) { return success(); });
  return checkChips(module) ? SIMPLEXIR_COMPILER_UNSUPPORTED
                            : SIMPLEXIR_COMPILER_FAILED;
}

/// The module, or null after an error.
OwningOpRef<ModuleOp> Request::readModule(MLIRContext &context) {
  if (input.isDescribed)
    return buildDescribed(*input.attention, context);
  // The parser reads up to a null byte.
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(
      StringRef(static_cast<const char *>(input.module), input.size),
      given->sourceName ? given->sourceName : "<module>");
  if (!buffer)
    throw std::bad_alloc();
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  return parseSourceFile<ModuleOp>(sources, &context);
}

SimplexirCompilerStatus Request::run() {
  if (SimplexirCompilerStatus status = checkArguments())
    return status;
  MLIRContext context(compiler->registry, MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  ScopedDiagnosticHandler collect(&context, [&](Diagnostic &diagnostic) {
    outcome.add(diagnostic);
    return success();
  });
  OwningOpRef<ModuleOp> parsed = readModule(context);
  if (!parsed)
    return SIMPLEXIR_COMPILER_INVALID_MODULE;
  if (!hasAttention(*parsed))
    return outcome.fail(SIMPLEXIR_COMPILER_NO_ATTENTION,
                        "the module has no function with a simplex.attention");
  if (failed(outlineFunctions(*parsed, options)))
    return SIMPLEXIR_COMPILER_UNSUPPORTED;
  if (checkOnly)
    return checkChips(*parsed);

  FailureOr<CompileResult> result = compileKernels(*parsed, options);
  if (failed(result))
    return classifyFailure(*parsed);
  for (std::string &warning : result->warnings)
    outcome.add({DiagnosticSeverity::Warning, "", std::move(warning)});
  outcome.artifact = std::move(result->artifact);
  return SIMPLEXIR_COMPILER_OK;
}

/// A message as well, if there is memory for one.
SimplexirCompilerStatus Request::failWithoutMemory() noexcept {
  try {
    outcome.fail(SIMPLEXIR_COMPILER_OUT_OF_MEMORY, "out of memory");
  } catch (const std::bad_alloc &) { // NOLINT(bugprone-empty-catch): none
  }
  return SIMPLEXIR_COMPILER_OUT_OF_MEMORY;
}

static void *runRequest(void *data) {
  auto &request = *static_cast<Request *>(data);
  try {
    request.outcome.status = request.run();
  } catch (const std::bad_alloc &) {
    request.outcome.status = request.failWithoutMemory();
  }
  return nullptr;
}

/// Parser, passes and LLVM recurse: they get a deep stack, whatever the
/// caller's is.
static void runOnDeepStack(Request &request) {
  constexpr size_t stackSize = size_t(64) << 20;
  pthread_attr_t attributes;
  pthread_t thread;
  bool started = false;
  if (pthread_attr_init(&attributes) == 0) {
    started = pthread_attr_setstacksize(&attributes, stackSize) == 0 &&
              pthread_create(&thread, &attributes, runRequest, &request) == 0;
    pthread_attr_destroy(&attributes);
  }
  if (started)
    pthread_join(thread, nullptr);
  else
    runRequest(&request);
}

static SimplexirCompilerStatus request(const SimplexirCompiler *compiler,
                                       const Input &input,
                                       const SimplexirCompileOptions *options,
                                       SimplexirOutcome **outcome,
                                       bool checkOnly) {
  if (!outcome)
    return SIMPLEXIR_COMPILER_INVALID_ARGUMENT;
  *outcome = new (std::nothrow) SimplexirOutcome;
  if (!*outcome)
    return SIMPLEXIR_COMPILER_OUT_OF_MEMORY;
  Request request{compiler, input, options, **outcome, checkOnly};
  runOnDeepStack(request);
  return (*outcome)->status;
}

uint32_t simplexirCompilerApiVersion(void) {
  return SIMPLEXIR_COMPILER_API_VERSION;
}

const char *simplexirCompilerVersion(void) {
  return SIMPLEXIR_VERSION " (LLVM " LLVM_VERSION_STRING ")";
}

const char *simplexirCompilerStatusName(SimplexirCompilerStatus status) {
  static constexpr const char *names[] = {
      "ok",           "invalid_argument", "invalid_module", "no_attention",
      "unknown_chip", "unsupported",      "failed",         "out_of_memory"};
  return status >= 0 && status < int32_t(std::size(names)) ? names[status]
                                                           : "unknown_status";
}

SimplexirCompilerStatus simplexirCompilerCreate(SimplexirCompiler **compiler) {
  if (!compiler)
    return SIMPLEXIR_COMPILER_INVALID_ARGUMENT;
  *compiler = nullptr;
  try {
    auto created = std::make_unique<SimplexirCompiler>();
    registerAllForCompiler(created->registry);
    *compiler = created.release();
  } catch (const std::bad_alloc &) {
    return SIMPLEXIR_COMPILER_OUT_OF_MEMORY;
  }
  return SIMPLEXIR_COMPILER_OK;
}

void simplexirCompilerDestroy(SimplexirCompiler *compiler) { delete compiler; }

SimplexirCompilerStatus
simplexirCompilerCompile(const SimplexirCompiler *compiler, const void *module,
                         size_t size, const SimplexirCompileOptions *options,
                         SimplexirOutcome **outcome) {
  return request(compiler, {module, size}, options, outcome,
                 /*checkOnly=*/false);
}

SimplexirCompilerStatus
simplexirCompilerCheck(const SimplexirCompiler *compiler, const void *module,
                       size_t size, const SimplexirCompileOptions *options,
                       SimplexirOutcome **outcome) {
  return request(compiler, {module, size}, options, outcome,
                 /*checkOnly=*/true);
}

SimplexirCompilerStatus simplexirCompilerCompileAttention(
    const SimplexirCompiler *compiler, const SimplexirAttention *attention,
    const SimplexirCompileOptions *options, SimplexirOutcome **outcome) {
  return request(compiler, {nullptr, 0, attention, true}, options, outcome,
                 /*checkOnly=*/false);
}

SimplexirCompilerStatus simplexirCompilerCheckAttention(
    const SimplexirCompiler *compiler, const SimplexirAttention *attention,
    const SimplexirCompileOptions *options, SimplexirOutcome **outcome) {
  return request(compiler, {nullptr, 0, attention, true}, options, outcome,
                 /*checkOnly=*/true);
}

SimplexirCompilerStatus
simplexirOutcomeStatus(const SimplexirOutcome *outcome) {
  return outcome ? outcome->status : SIMPLEXIR_COMPILER_INVALID_ARGUMENT;
}

const char *simplexirOutcomeText(const SimplexirOutcome *outcome) {
  return outcome ? outcome->text.c_str() : "";
}

size_t simplexirOutcomeNumDiagnostics(const SimplexirOutcome *outcome) {
  return outcome ? outcome->messages.size() : 0;
}

SimplexirCompilerStatus
simplexirOutcomeDiagnosticAt(const SimplexirOutcome *outcome, size_t index,
                             SimplexirDiagnostic *diagnostic) {
  if (!outcome || !diagnostic ||
      diagnostic->structSize < sizeof(SimplexirDiagnostic) ||
      index >= outcome->messages.size())
    return SIMPLEXIR_COMPILER_INVALID_ARGUMENT;
  const Message &message = outcome->messages[index];
  diagnostic->severity = toSeverity(message.severity);
  diagnostic->line = message.line;
  diagnostic->column = message.column;
  diagnostic->file = message.file.c_str();
  diagnostic->message = message.text.c_str();
  return SIMPLEXIR_COMPILER_OK;
}

SimplexirCompilerStatus
simplexirOutcomeArtifact(const SimplexirOutcome *outcome, const void **data,
                         size_t *size) {
  if (!outcome || !data || !size)
    return SIMPLEXIR_COMPILER_INVALID_ARGUMENT;
  *data = outcome->artifact.empty() ? nullptr : outcome->artifact.data();
  *size = outcome->artifact.size();
  return SIMPLEXIR_COMPILER_OK;
}

void simplexirOutcomeDestroy(SimplexirOutcome *outcome) { delete outcome; }
