//===- HostTarget.cpp - x86-64 objects ------------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/CPU/HostTarget.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Host.h"

using namespace simplexir;

static constexpr llvm::StringLiteral kTriple = "x86_64-unknown-linux-gnu";

static constexpr llvm::StringLiteral kBF16Chip = "x86-64-v4-bf16";
static const char *const kLevel3[] = {"avx",  "avx2", "bmi",   "bmi2",
                                      "f16c", "fma",  "lzcnt", "movbe"};
static const char *const kLevel4[] = {"avx512f", "avx512bw", "avx512cd",
                                      "avx512dq", "avx512vl"};
/// What `native` adds to its level if the machine has it.
static const char *const kExtras[] = {"avx512bf16", "avx512fp16", "avx512vbmi"};

bool simplexir::resolveHostTarget(llvm::StringRef chip, HostTarget &target,
                                  std::string &error) {
  target = {chip.str(), chip.str(), "", 32, 16, true, false};
  if (chip == "native") {
#if defined(__x86_64__)
    llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
    auto hasAll = [&](llvm::ArrayRef<const char *> names) {
      return llvm::all_of(
          names, [&](const char *name) { return features.lookup(name); });
    };
    target.level = !hasAll(kLevel3)   ? "x86-64-v2"
                   : !hasAll(kLevel4) ? "x86-64-v3"
                                      : "x86-64-v4";
    if (target.level == "x86-64-v4")
      for (const char *extra : kExtras)
        if (features.lookup(extra))
          target.features +=
              (target.features.empty() ? "+" : ",+") + std::string(extra);
    target.chip = target.level;
    if (target.level == "x86-64-v4" && features.lookup("avx512bf16"))
      target.chip = kBF16Chip;
#else
    error = "this machine is no x86-64: expected chip x86-64-v2, x86-64-v3, "
            "x86-64-v4 or x86-64-v4-bf16";
    return false;
#endif
  }
  if (chip == kBF16Chip) {
    target.level = "x86-64-v4";
    target.features = "+avx512bf16";
  }
  target.hasDotBF16 = target.chip == kBF16Chip;
  if (target.level == "x86-64-v2") {
    target.vectorBytes = 16;
    target.hasHalf = false;
  } else if (target.level == "x86-64-v4") {
    target.vectorBytes = 64;
    target.registers = 32;
  } else if (target.level != "x86-64-v3") {
    error = "unknown CPU '" + chip.str() +
            "', expected x86-64-v2, x86-64-v3, x86-64-v4, x86-64-v4-bf16 or "
            "native";
    return false;
  }
  return true;
}

int64_t simplexir::getVectorBytes(llvm::StringRef chip) {
  HostTarget target;
  std::string error;
  return resolveHostTarget(chip, target, error) ? target.vectorBytes : 0;
}

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3)
      .run(module, modules);
}

/// The loader resolves memcpy and the like, nothing else.
static bool checkSymbols(llvm::ArrayRef<char> object, std::string &error) {
  llvm::MemoryBufferRef buffer(llvm::StringRef(object.data(), object.size()),
                               "kernel");
  auto file = llvm::object::ObjectFile::createObjectFile(buffer);
  if (!file) {
    error = llvm::toString(file.takeError());
    return false;
  }
  for (const llvm::object::SymbolRef &symbol : (*file)->symbols()) {
    auto flags = symbol.getFlags();
    auto name = symbol.getName();
    if (!flags || !name) {
      llvm::consumeError(flags.takeError());
      llvm::consumeError(name.takeError());
      continue;
    }
    if (!(*flags & llvm::object::SymbolRef::SF_Undefined) || name->empty() ||
        *name == "memcpy" || *name == "memmove" || *name == "memset")
      continue;
    error = "generated code calls '" + name->str() +
            "', which this chip lacks an instruction for";
    return false;
  }
  return true;
}

void simplexir::initializeHostTarget() {
  // Registering twice at the same time lists the target twice.
  static const bool initialized = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    return true;
  }();
  (void)initialized;
}

bool simplexir::emitHostObject(mlir::ModuleOp module, const HostTarget &target,
                               llvm::SmallVectorImpl<char> &object,
                               std::string &error) {
  initializeHostTarget();
  llvm::Triple triple(kTriple);
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!found)
    return false;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Fast;
  std::unique_ptr<llvm::TargetMachine> machine(found->createTargetMachine(
      triple, target.level, target.features, options, llvm::Reloc::PIC_,
      llvm::CodeModel::Small, llvm::CodeGenOptLevel::Aggressive));
  if (!machine) {
    error = "LLVM has no x86-64 target";
    return false;
  }

  mlir::registerBuiltinDialectTranslation(*module->getContext());
  mlir::registerLLVMDialectTranslation(*module->getContext());
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code =
      mlir::translateModuleToLLVMIR(module, context);
  if (!code) {
    error = "translation to LLVM IR failed";
    return false;
  }
  code->setTargetTriple(triple);
  code->setDataLayout(machine->createDataLayout());
  for (llvm::Function &function : *code) {
    if (function.isDeclaration())
      continue;
    function.setDoesNotThrow();
    function.addFnAttr("target-cpu", target.level);
    function.addFnAttr("target-features", target.features);
    function.addFnAttr("prefer-vector-width",
                       std::to_string(target.vectorBytes * 8));
  }
  optimize(*code, *machine);

  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr,
                                   llvm::CodeGenFileType::ObjectFile)) {
    error = "LLVM cannot write x86-64 objects";
    return false;
  }
  passes.run(*code);
  return checkSymbols(object, error);
}
