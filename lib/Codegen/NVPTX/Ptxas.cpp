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

/// Runs ptxas; what it says, on either stream, comes back in `log`.
static Error runPtxas(StringRef ptxas, ArrayRef<StringRef> arguments,
                      std::string &log) {
  TemporaryFile output;
  if (std::error_code code = output.create("log"))
    return createStringError(code, "cannot create a temporary file");
  SmallVector<StringRef> command = {ptxas};
  append_range(command, arguments);
  std::string reason;
  int status = sys::ExecuteAndWait(
      ptxas, command, std::nullopt,
      {StringRef(""), StringRef(output.path), StringRef(output.path)},
      /*SecondsToWait=*/600, /*MemoryLimit=*/0, &reason);
  log = readAll(output.path);
  if (status == 0)
    return Error::success();
  if (status < 0)
    return createStringError("running " + ptxas + " failed: " + reason);
  return createStringError("ptxas failed with status " + Twine(status) + ":\n" +
                           StringRef(log).rtrim());
}

/// 130 for CUDA 13.0; asked once for each path.
static Expected<int> getRelease(StringRef ptxas) {
  std::string log;
  if (Error error = runPtxas(ptxas, {"--version"}, log))
    return error;
  StringRef text = StringRef(log).split("release ").second;
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

Expected<Cubin> simplexir::assemblePtx(StringRef ptx, const GpuChip &chip,
                                       StringRef ptxas) {
  Expected<int> release = getRelease(ptxas);
  if (!release)
    return release.takeError();
  TemporaryFile input, output;
  std::error_code code = input.create("ptx");
  if (!code)
    code = output.create("cubin");
  if (code)
    return createStringError(code, "cannot create a temporary file");
  {
    raw_fd_ostream file(input.path, code);
    file << ptx;
    file.close();
    if (!code)
      code = file.error();
    if (code) {
      file.clear_error();
      return createStringError(code, "cannot write '" + input.path + "'");
    }
  }
  Cubin cubin;
  if (Error error = runPtxas(
          ptxas,
          {"-v", "-O3", "-arch", chip.name, input.path, "-o", output.path},
          cubin.log))
    return error;
  cubin.image = readAll(output.path);
  if (cubin.image.empty())
    return createStringError("ptxas wrote no cubin");
  cubin.kernels = parsePtxasLog(cubin.log);
  cubin.minDriver = getMinDriverForCubin(chip, *release);
  return cubin;
}
