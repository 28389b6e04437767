//===- KernelHarness.cpp - Compile and run CPU kernels --------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelHarness.h"

#include "simplexir/Codegen/CPU/HostTarget.h"
#include "simplexir/Codegen/CPU/Pipeline.h"
#include "simplexir/Codegen/Passes.h"
#include "simplexir/Dialect/Simplex/IR/Bufferize.h"
#include "simplexir/Transforms/Passes.h"

#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/TargetSelect.h"
#include <cstring>

using namespace mlir;
using namespace simplexir;

static std::string join(const std::string &item, int64_t count) {
  std::string result;
  for (int64_t i = 0; i < count; ++i)
    result += (i ? ", " : "") + item + std::to_string(i);
  return result;
}

template <typename T>
static std::string list(const std::vector<T> &values) {
  std::string result = "[";
  for (size_t i = 0; i < values.size(); ++i) {
    char text[32];
    if constexpr (std::is_integral_v<T>)
      snprintf(text, sizeof text, "%lld", (long long)values[i]);
    else
      snprintf(text, sizeof text, "%.17e", values[i]);
    result += (i ? ", " : "") + std::string(text);
  }
  return result + "]";
}

std::string Problem::getIR() const {
  auto tensor = [&](int64_t h, int64_t d) {
    return "tensor<?x?x" + std::to_string(h) + "x" + std::to_string(d) + "x" +
           element + ">";
  };
  std::string acc = element == "f64" ? "f64" : "f32";
  std::string lse = "tensor<?x" + std::to_string(heads) + "x?x" + acc + ">";
  std::string arguments = "%q: " + tensor(heads, dim),
              types = tensor(heads, dim);
  for (int64_t i = 0; i < getKeyCount(); ++i) {
    arguments += ", %k" + std::to_string(i) + ": " + tensor(keyHeads, dim);
    types += ", " + tensor(keyHeads, dim);
  }
  for (int64_t i = 0; i < getKeyCount(); ++i) {
    arguments += ", %v" + std::to_string(i) + ": " + tensor(keyHeads, valueDim);
    types += ", " + tensor(keyHeads, valueDim);
  }
  std::string extra;
  if (positioned) {
    arguments += ", %q0: index, %p0: index, %lo: index, %hi: index";
    extra = " positions(%q0, %p0) key_range(%lo, %hi)";
  }
  std::string out = tensor(heads, valueDim);
  std::string ir = "func.func @f(" + arguments + ") -> (" + out + ", " + lse +
                   ") {\n  %o, %l = simplex.attention query(%q) keys(" +
                   join("%k", getKeyCount()) + ") values(" +
                   join("%v", getKeyCount()) + ")" + extra + " form " + form +
                   " windows " + list(windows);
  if (bidirectional)
    ir += " bidirectional";
  if (scale != 0)
    ir += " scale " + list(std::vector<double>{scale}).substr(1);
  if (scale != 0)
    ir.pop_back();
  if (!keyBiases.empty())
    ir += " key_biases " + list(keyBiases);
  if (!valueBiases.empty())
    ir += " value_biases " + list(valueBiases);
  return ir + " : (" + types + ") -> (" + out + ", " + lse +
         ")\n  return %o, %l : " + out + ", " + lse + "\n}\n";
}

static const llvm::fltSemantics &getSemantics(const std::string &element) {
  return element == "bf16"  ? llvm::APFloat::BFloat()
         : element == "f16" ? llvm::APFloat::IEEEhalf()
         : element == "f32" ? llvm::APFloat::IEEEsingle()
                            : llvm::APFloat::IEEEdouble();
}

static int64_t getBytes(const std::string &element) {
  return element == "f64" ? 8 : element == "f32" ? 4 : 2;
}

Array::Array(const std::string &element, std::vector<int64_t> shape)
    : element(element), shape(shape), values(getCount()),
      bytes(getCount() * getBytes(element)) {}

int64_t Array::getCount() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

void Array::encode() {
  bool ignored;
  int64_t size = getBytes(element);
  for (int64_t i = 0; i < getCount(); ++i) {
    llvm::APFloat number(values[i]);
    number.convert(getSemantics(element), llvm::APFloat::rmNearestTiesToEven,
                   &ignored);
    uint64_t bits = number.bitcastToAPInt().getZExtValue();
    std::memcpy(&bytes[i * size], &bits, size);
  }
  decode();
}

void Array::decode() {
  bool ignored;
  int64_t size = getBytes(element);
  for (int64_t i = 0; i < getCount(); ++i) {
    uint64_t bits = 0;
    std::memcpy(&bits, &bytes[i * size], size);
    llvm::APFloat number(getSemantics(element), llvm::APInt(size * 8, bits));
    number.convert(llvm::APFloat::IEEEdouble(),
                   llvm::APFloat::rmNearestTiesToEven, &ignored);
    values[i] = number.convertToDouble();
  }
}

namespace {
/// Code in this process.
struct LoadedCode {
  std::unique_ptr<llvm::orc::LLJIT> jit;

  /// Compiles the module to an object, loads it and finds a symbol.
  template <typename Function>
  Function load(ModuleOp module, const HostTarget &target,
                const std::string &name, std::string &error) {
    llvm::SmallVector<char> object;
    if (!emitHostObject(module, target, object, error))
      return nullptr;
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    auto created = llvm::orc::LLJITBuilder().create();
    if (!created) {
      error = llvm::toString(created.takeError());
      return nullptr;
    }
    jit = std::move(*created);
    auto buffer = llvm::MemoryBuffer::getMemBufferCopy(
        llvm::StringRef(object.data(), object.size()), "kernel");
    if (auto failure = jit->addObjectFile(std::move(buffer))) {
      error = llvm::toString(std::move(failure));
      return nullptr;
    }
    auto symbol = jit->lookup(name);
    if (!symbol) {
      error = llvm::toString(symbol.takeError());
      return nullptr;
    }
    return symbol->toPtr<Function>();
  }
};
} // namespace

struct Kernel::Impl : LoadedCode {
  std::vector<GridPart> grid;
};

Kernel::Kernel() : impl(new Impl) {}
Kernel::~Kernel() = default;

std::unique_ptr<Kernel> Kernel::compile(const Problem &problem,
                                        std::string &error) {
  DialectRegistry registry;
  registry.insert<SimplexDialect, func::FuncDialect>();
  registerBufferizableOpInterfaceExternalModels(registry);
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(
      registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  auto module = parseSourceString<ModuleOp>(problem.getIR(), &context);
  HostTarget target;
  if (!module || !resolveHostTarget(problem.chip, target, error))
    return nullptr;
  PassManager tiling(&context);
  tiling.addPass(createBufferize());
  SelectScheduleOptions schedule;
  schedule.rows = problem.rows;
  schedule.keys = problem.keys;
  schedule.splits = problem.splits;
  tiling.addPass(createSelectSchedule(schedule));
  tiling.addPass(createOutlineKernels());
  TileAttentionOptions tile;
  tile.widen = true;
  tile.dotBF16 = target.hasDotBF16;
  tiling.addNestedPass<func::FuncOp>(createTileAttention(tile));
  tiling.addPass(createFuseOnlineSoftmax());
  tiling.addPass(createFoldBiases());
  tiling.addPass(createGuardMasks());
  if (failed(tiling.run(*module))) {
    error = "tiling failed";
    return nullptr;
  }
  std::unique_ptr<Kernel> kernel(new Kernel);
  std::string name;
  for (func::FuncOp function :
       llvm::make_early_inc_range(module->getOps<func::FuncOp>())) {
    if (!function->hasAttr(kKernelAttrName)) {
      function.erase();
      continue;
    }
    name = function.getName().str();
    auto grid = function->getAttrOfType<GridAttr>(kGridAttrName);
    kernel->impl->grid.assign(grid.getParts().begin(), grid.getParts().end());
  }
  PassManager lowering(&context);
  buildCPUKernelPipeline(lowering, {target.vectorBytes, target.registers,
                                    target.hasHalf, target.hasDotBF16});
  if (failed(lowering.run(*module))) {
    error = "lowering failed";
    return nullptr;
  }
  Operation *function = module->lookupSymbol(name);
  kernel->workspace =
      function->getAttrOfType<IntegerAttr>(kWorkspaceAttrName).getInt();
  kernel->function = kernel->impl->load<Function>(*module, target, name, error);
  return kernel->function ? std::move(kernel) : nullptr;
}

void Kernel::run(const std::vector<Array *> &arrays,
                 const std::vector<int64_t> &indices) {
  std::vector<int64_t> words;
  size_t outputs = 2;
  for (size_t i = 0; i < arrays.size(); ++i) {
    if (i + outputs == arrays.size())
      words.insert(words.end(), indices.begin(), indices.end());
    int64_t base = reinterpret_cast<int64_t>(arrays[i]->bytes.data());
    words.insert(words.end(), {base, base, 0});
    const std::vector<int64_t> &shape = arrays[i]->shape;
    words.insert(words.end(), shape.begin(), shape.end());
    std::vector<int64_t> strides(shape.size(), 1);
    for (size_t d = shape.size() - 1; d > 0; --d)
      strides[d - 1] = strides[d] * shape[d];
    words.insert(words.end(), strides.begin(), strides.end());
  }
  int64_t items = 1;
  for (const GridPart &part : impl->grid) {
    int64_t extent = part.argument ? arrays[*part.argument]->shape[part.number]
                                   : part.number;
    items *= (extent + part.divisor - 1) / part.divisor;
  }
  std::vector<char> memory(workspace + 64, char(0xFF));
  char *aligned = reinterpret_cast<char *>(
      (reinterpret_cast<uintptr_t>(memory.data()) + 63) & ~uintptr_t{63});
  function(words.data(), 0, items, aligned);
}

struct MathFunction::Impl : LoadedCode {
  Kernel::Function function = nullptr;
};

MathFunction::MathFunction() : impl(new Impl) {}
MathFunction::~MathFunction() = default;

std::unique_ptr<MathFunction> MathFunction::compile(const std::string &name,
                                                    const std::string &element,
                                                    const std::string &chip,
                                                    std::string &error) {
  DialectRegistry registry;
  registry.insert<arith::ArithDialect, func::FuncDialect, math::MathDialect,
                  memref::MemRefDialect, scf::SCFDialect, SimplexDialect>();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  std::string memref = "memref<?x" + element + ">";
  auto module = parseSourceString<ModuleOp>(
      "func.func @f(%x: " + memref + ", %y: " + memref +
          ") attributes {simplex.kernel} {\n  %i = simplex.work_item\n"
          "  %a = memref.load %x[%i] : " +
          memref + "\n  %b = math." + name + " %a : " + element +
          "\n  memref.store %b, %y[%i] : " + memref + "\n  return\n}\n",
      &context);
  HostTarget target;
  if (!module || !resolveHostTarget(chip, target, error))
    return nullptr;
  PassManager lowering(&context);
  buildCPUKernelPipeline(lowering, {target.vectorBytes, target.registers,
                                    target.hasHalf, target.hasDotBF16});
  if (failed(lowering.run(*module))) {
    error = "lowering failed";
    return nullptr;
  }
  std::unique_ptr<MathFunction> math(new MathFunction);
  math->impl->function =
      math->impl->load<Kernel::Function>(*module, target, "f", error);
  return math->impl->function ? std::move(math) : nullptr;
}

void MathFunction::run(const void *from, void *to, int64_t count) {
  std::vector<int64_t> words;
  for (const void *at : {from, static_cast<const void *>(to)}) {
    int64_t base = reinterpret_cast<int64_t>(at);
    words.insert(words.end(), {base, base, 0, count, 1});
  }
  std::vector<char> workspace(1 << 12);
  impl->function(words.data(), 0, count, workspace.data());
}
