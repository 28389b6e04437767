//===- Jit.cpp - Host functions in this process ---------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Codegen/Jit.h"

#include "simplexir/Codegen/CPU/HostTarget.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace llvm;
using namespace simplexir;

static constexpr StringLiteral packedName = "simplexir_packed_entry";

struct HostProgram::Engine {
  std::unique_ptr<orc::LLJIT> jit;
};

HostProgram::HostProgram() : engine(std::make_unique<Engine>()) {}
HostProgram::~HostProgram() {
  if (engine->jit)
    consumeError(engine->jit->deinitialize(engine->jit->getMainJITDylib()));
}

/// Adds `void packed(void **arguments)`, which calls the C interface.
static Expected<unsigned> addPackedEntry(Module &module, StringRef name) {
  Function *callee = module.getFunction(("_mlir_ciface_" + name).str());
  if (!callee || callee->isDeclaration())
    return createStringError("function '" + name + "' has no C interface");
  LLVMContext &context = module.getContext();
  IRBuilder<> builder(context);
  auto *packed = Function::Create(
      FunctionType::get(builder.getVoidTy(), builder.getPtrTy(), false),
      Function::ExternalLinkage, packedName, module);
  builder.SetInsertPoint(BasicBlock::Create(context, "", packed));
  SmallVector<Value *> arguments;
  for (auto [i, parameter] : enumerate(callee->args())) {
    Value *slot =
        builder.CreateConstGEP1_64(builder.getPtrTy(), packed->getArg(0), i);
    Value *address = builder.CreateLoad(builder.getPtrTy(), slot);
    arguments.push_back(builder.CreateLoad(parameter.getType(), address));
  }
  builder.CreateCall(callee, arguments);
  builder.CreateRetVoid();
  return static_cast<unsigned>(arguments.size());
}

Expected<std::unique_ptr<HostProgram>>
HostProgram::create(mlir::ModuleOp operation, StringRef function,
                    ArrayRef<Symbol> symbols) {
  initializeHostTarget();
  mlir::registerBuiltinDialectTranslation(*operation->getContext());
  mlir::registerLLVMDialectTranslation(*operation->getContext());
  mlir::registerGPUDialectTranslation(*operation->getContext());
  mlir::DialectRegistry modules;
  mlir::gpu::registerOffloadingLLVMTranslationInterfaceExternalModels(modules);
  operation->getContext()->appendDialectRegistry(modules);
  auto context = std::make_unique<LLVMContext>();
  std::unique_ptr<Module> module =
      mlir::translateModuleToLLVMIR(operation, *context);
  if (!module)
    return createStringError("cannot translate host code to LLVM IR");

  std::unique_ptr<HostProgram> program(new HostProgram);
  Expected<unsigned> numArguments = addPackedEntry(*module, function);
  if (!numArguments)
    return numArguments.takeError();
  program->numArguments = *numArguments;

  auto jit = orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  module->setDataLayout((*jit)->getDataLayout());
  module->setTargetTriple((*jit)->getTargetTriple());
  orc::MangleAndInterner mangle((*jit)->getExecutionSession(),
                                (*jit)->getDataLayout());
  orc::SymbolMap map;
  for (auto [name, address] : symbols)
    map[mangle(name)] = {orc::ExecutorAddr::fromPtr(address),
                         JITSymbolFlags::Exported | JITSymbolFlags::Callable};
  orc::JITDylib &library = (*jit)->getMainJITDylib();
  if (Error error = library.define(orc::absoluteSymbols(std::move(map))))
    return error;
  auto process = orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      (*jit)->getDataLayout().getGlobalPrefix());
  if (!process)
    return process.takeError();
  library.addGenerator(std::move(*process));
  if (Error error = (*jit)->addIRModule(
          orc::ThreadSafeModule(std::move(module), std::move(context))))
    return error;
  // Modules of other kernels are registered with mgpu.
  if (Error error = (*jit)->initialize(library))
    return error;
  auto entry = (*jit)->lookup(packedName);
  if (!entry)
    return entry.takeError();
  program->entry = entry->toPtr<void (*)(void *const *)>();
  program->engine->jit = std::move(*jit);
  return program;
}

void HostProgram::invoke(ArrayRef<void *> arguments) const {
  entry(arguments.data());
}
