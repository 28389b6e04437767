//===- Translate.cpp - LLVM dialect to PTX --------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Optimize.h"
#include "simplexir/Codegen/NVPTX.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Operation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace simplexir;

static Expected<std::unique_ptr<TargetMachine>>
createMachine(const GpuChip &chip) {
  static const bool initialized = [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    return true;
  }();
  (void)initialized;
  Triple triple("nvptx64-nvidia-cuda");
  std::string reason;
  const Target *target = TargetRegistry::lookupTarget(triple, reason);
  if (!target)
    return createStringError("this LLVM has no NVPTX target: " + reason);
  // Above the default level it looks for equal expressions once more, and finds
  // none in a kernel that is optimized.
  std::unique_ptr<TargetMachine> machine(target->createTargetMachine(
      triple, chip.name, chip.getFeatures(), TargetOptions(), Reloc::PIC_,
      std::nullopt, CodeGenOptLevel::Default));
  if (!machine)
    return createStringError("LLVM cannot generate code for %s", chip.name);
  return machine;
}

/// Inline assembly may synchronise the threads of a warp, but the LLVM dialect
/// cannot say so: unmarked, O3 duplicates `.sync.aligned` instructions into
/// divergent branches. What says that it has no side effects must be
/// arithmetic of one thread: it may be moved, merged and dropped.
static void markInlineAsm(Module &module) {
  for (Function &function : module)
    for (Instruction &instruction : instructions(function)) {
      auto *call = dyn_cast<CallBase>(&instruction);
      if (!call || !call->isInlineAsm())
        continue;
      if (cast<InlineAsm>(call->getCalledOperand())->hasSideEffects()) {
        call->setConvergent();
      } else {
        call->setDoesNotAccessMemory();
        call->setDoesNotThrow();
        call->addFnAttr(Attribute::WillReturn);
      }
    }
}

/// Upstream declares dynamic shared memory as an internal array of no bytes:
/// loads from it fold to undef where no store is visible (cp.async writes it).
/// Boxes of warpgroup products start at multiples of 1024 bytes.
static void exposeSharedMemory(Module &module) {
  constexpr unsigned shared = 3;
  for (GlobalVariable &global : module.globals())
    if (global.getAddressSpace() == shared && global.hasInternalLinkage() &&
        module.getDataLayout().getTypeAllocSize(global.getValueType()) == 0) {
      global.setInitializer(nullptr);
      global.setLinkage(GlobalValue::ExternalLinkage);
      global.setAlignment(Align(1024));
    }
}

/// Without libdevice a call like `__nv_expf` stays an `.extern` in the PTX,
/// and only the driver's linker would complain.
static Error checkNoExternalCalls(const Module &module) {
  for (const Function &function : module) {
    StringRef name = function.getName();
    if (!function.isDeclaration() || function.isIntrinsic() ||
        function.use_empty() || name == "vprintf" || name == "__assertfail")
      continue;
    return createStringError(
        "the kernel calls '" + name +
        "', which is defined nowhere (device libraries are not linked)");
  }
  return Error::success();
}

Expected<std::string> simplexir::translateToPtx(mlir::Operation *operation,
                                                const GpuChip &chip) {
  Expected<std::unique_ptr<TargetMachine>> machine = createMachine(chip);
  if (!machine)
    return machine.takeError();

  LLVMContext context;
  std::unique_ptr<Module> module;
  std::string reason;
  {
    mlir::ScopedDiagnosticHandler handler(
        operation->getContext(), [&](mlir::Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error &&
              reason.empty())
            reason = diagnostic.str();
          return mlir::success();
        });
    module = mlir::translateModuleToLLVMIR(operation, context);
  }
  if (!module)
    return createStringError("cannot translate to LLVM IR: " + reason);

  module->setTargetTriple((*machine)->getTargetTriple());
  module->setDataLayout((*machine)->createDataLayout());
  markInlineAsm(*module);
  exposeSharedMemory(*module);
  optimizeKernels(*module, **machine);
  if (Error error = checkNoExternalCalls(*module))
    return error;

  SmallString<0> ptx;
  raw_svector_ostream stream(ptx);
  legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, stream, nullptr,
                                      CodeGenFileType::AssemblyFile))
    return createStringError("LLVM cannot write PTX for %s", chip.name);
  passes.run(*module);
  return ptx.str().str();
}
