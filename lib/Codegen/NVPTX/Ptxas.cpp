//===- Ptxas.cpp - PTX to cubin -------------------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/NVPTX.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include <csignal>

#ifndef SIMPLEXIR_PTXAS_PATH
#define SIMPLEXIR_PTXAS_PATH ""
#endif

using namespace llvm;
using namespace simplexir;

Expected<std::string> simplexir::findPtxas(StringRef configured) {
  if (!configured.empty()) {
    if (sys::fs::can_execute(configured))
      return configured.str();
    return createStringError("ptxas: '" + configured + "' is not executable");
  }
  std::optional<std::string> fixed = sys::Process::GetEnv("SIMPLEXIR_PTXAS");
  if (fixed && !fixed->empty()) {
    if (sys::fs::can_execute(*fixed))
      return *fixed;
    return createStringError("ptxas: '" + *fixed +
                             "' (from SIMPLEXIR_PTXAS) is not executable");
  }
  if (ErrorOr<std::string> found = sys::findProgramByName("ptxas"))
    return *found;
  if (std::optional<std::string> home = sys::Process::GetEnv("CUDA_HOME")) {
    SmallString<128> path(*home);
    sys::path::append(path, "bin", "ptxas");
    if (sys::fs::can_execute(path))
      return path.str().str();
  }
  if (sys::fs::can_execute(SIMPLEXIR_PTXAS_PATH))
    return std::string(SIMPLEXIR_PTXAS_PATH);
  return createStringError(
      "ptxas was not found in PATH or CUDA_HOME/bin (SIMPLEXIR_PTXAS can name "
      "it): install the CUDA toolkit, or emit ptx instead of cubin");
}

/// A file in the temporary folder that goes when this does.
namespace {
struct TemporaryFile {
  SmallString<128> path;
  std::error_code create(StringRef suffix) {
    return sys::fs::createTemporaryFile("simplexir", suffix, path);
  }
  ~TemporaryFile() {
    if (!path.empty())
      (void)sys::fs::remove(path);
  }
};
} // namespace

static std::string readAll(StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getFile(path, /*IsText=*/false,
                            /*RequiresNullTerminator=*/false);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

namespace {
/// ptxas, beside this process; its log is what it says on either stream.
class PtxasProcess {
public:
  explicit PtxasProcess(StringRef path) : path(path) {}
  /// Nobody wants its answer any more.
  ~PtxasProcess() {
    if (!running)
      return;
    (void)::kill(process.Pid, SIGKILL);
    std::string log;
    consumeError(wait(log));
  }

  Error start(ArrayRef<StringRef> arguments) {
    if (std::error_code code = output.create("log"))
      return createStringError(code, "cannot create a temporary file");
    SmallVector<StringRef> command = {path};
    append_range(command, arguments);
    std::string reason;
    bool failed = false;
    process = sys::ExecuteNoWait(
        path, command, /*Env=*/std::nullopt,
        {StringRef(""), StringRef(output.path), StringRef(output.path)},
        /*MemoryLimit=*/0, &reason, &failed);
    running = !failed;
    if (failed)
      return createStringError("running " + path + " failed: " + reason);
    return Error::success();
  }

  Error wait(std::string &log) {
    if (!running)
      return Error::success();
    running = false;
    std::string reason;
    int status = sys::Wait(process, /*SecondsToWait=*/600, &reason).ReturnCode;
    log = readAll(output.path);
    if (status == 0)
      return Error::success();
    if (status < 0)
      return createStringError("running " + path + " failed: " + reason);
    return createStringError("ptxas failed with status " + Twine(status) +
                             ":\n" + StringRef(log).rtrim());
  }

private:
  StringRef path;
  TemporaryFile output;
  sys::ProcessInfo process;
  bool running = false;
};
} // namespace

/// 130 for CUDA 13.0, of what `ptxas --version` says.
static Expected<int> parseRelease(StringRef ptxas, StringRef log) {
  StringRef text = log.split("release ").second;
  unsigned major = 0, minor = 0;
  if (text.consumeInteger(10, major) || !text.consume_front(".") ||
      text.consumeInteger(10, minor))
    return createStringError("'" + ptxas + " --version' names no CUDA release");
  return static_cast<int>(major * 10 + minor);
}

std::vector<KernelResources> simplexir::parsePtxasLog(StringRef log) {
  std::vector<KernelResources> kernels;
  auto numberBefore = [](StringRef line, StringRef what) -> int64_t {
    size_t at = line.find(what);
    if (at == StringRef::npos)
      return 0;
    StringRef head = line.take_front(at).rtrim();
    int64_t number = 0;
    size_t space = head.find_last_not_of("0123456789");
    if (head.drop_front(space == StringRef::npos ? 0 : space + 1)
            .getAsInteger(10, number))
      return 0;
    return number;
  };
  for (StringRef line : split(log, '\n')) {
    if (line.contains("Compiling entry function '")) {
      kernels.emplace_back();
      kernels.back().name = line.split('\'').second.split('\'').first.str();
      continue;
    }
    if (kernels.empty())
      continue;
    KernelResources &kernel = kernels.back();
    if (line.contains("bytes stack frame")) {
      kernel.stack = numberBefore(line, "bytes stack frame");
      kernel.spillStores = numberBefore(line, "bytes spill stores");
      kernel.spillLoads = numberBefore(line, "bytes spill loads");
    } else if (line.contains("Used ")) {
      kernel.registers = numberBefore(line, "registers");
      kernel.sharedMemory = numberBefore(line, "bytes smem");
    }
  }
  return kernels;
}

/// The files that it reads and writes, and its version, which is asked beside
/// it, not before.
class Assembly::Process {
public:
  Process(const GpuChip &chip, StringRef path)
      : chip(chip), path(path.str()), asked(this->path), assembler(this->path) {
  }

  Error start(StringRef ptx) {
    std::error_code code = input.create("ptx");
    if (!code)
      code = output.create("cubin");
    if (code)
      return createStringError(code, "cannot create a temporary file");
    if (Error error = write(ptx))
      return error;
    if (Error error = asked.start({"--version"}))
      return error;
    return assembler.start(
        {"-v", "-O3", "-arch", chip.name, input.path, "-o", output.path});
  }

  Expected<Cubin> finish() {
    Cubin cubin;
    std::string answer;
    Error failure = assembler.wait(cubin.log);
    if (Error error = asked.wait(answer)) {
      // What is not ptxas fails at both: this says so.
      consumeError(std::move(failure));
      return error;
    }
    Expected<int> release = parseRelease(path, answer);
    if (!release) {
      consumeError(std::move(failure));
      return release.takeError();
    }
    if (failure)
      return failure;
    cubin.image = readAll(output.path);
    if (cubin.image.empty())
      return createStringError("ptxas wrote no cubin");
    cubin.kernels = parsePtxasLog(cubin.log);
    cubin.minDriver = getMinDriverForCubin(chip, *release);
    return cubin;
  }

private:
  Error write(StringRef ptx) {
    std::error_code code;
    raw_fd_ostream file(input.path, code);
    file << ptx;
    file.close();
    if (!code)
      code = file.error();
    if (!code)
      return Error::success();
    file.clear_error();
    return createStringError(code, "cannot write '" + input.path + "'");
  }

  GpuChip chip;
  std::string path;
  // Destroyed after the processes, which are waited for.
  TemporaryFile input, output;
  PtxasProcess asked, assembler;
};

Assembly::Assembly(std::unique_ptr<Process> process)
    : process(std::move(process)) {}
Assembly::Assembly(Assembly &&) = default;
Assembly &Assembly::operator=(Assembly &&) = default;
Assembly::~Assembly() = default;

Expected<Assembly> Assembly::start(StringRef ptx, const GpuChip &chip,
                                   StringRef ptxas) {
  auto process = std::make_unique<Process>(chip, ptxas);
  if (Error error = process->start(ptx))
    return error;
  return Assembly(std::move(process));
}

Expected<Cubin> Assembly::finish() {
  assert(process && "finished, or moved from");
  std::unique_ptr<Process> finished = std::move(process);
  return finished->finish();
}

Expected<Cubin> simplexir::assemblePtx(StringRef ptx, const GpuChip &chip,
                                       StringRef ptxas) {
  Expected<Assembly> assembly = Assembly::start(ptx, chip, ptxas);
  if (!assembly)
    return assembly.takeError();
  return assembly->finish();
}
