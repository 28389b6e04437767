//===- SimplexTypes.td - Types of the dialect --------------*- tablegen -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_TYPES_TD
#define SIMPLEXIR_TYPES_TD

include "simplexir/Dialect/Simplex/IR/SimplexDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"

def Simplex_TileType : TypeDef<Simplex_Dialect, "Tile", [ShapedTypeInterface]> {
  let mnemonic = "tile";
  let summary = "On-chip data of static shape, without memory of its own";
  let description = [{
    `!simplex.tile<64x128xbf16>` is a matrix of rows, `!simplex.tile<64xf32>`
    one number a row. A tile is a value: the CPU conversion gives it scratch
    memory, the GPU conversion spreads it over the registers of a warp.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
                        "::mlir::Type":$elementType);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    bool hasRank() const { return true; }
    int64_t getRows() const { return getShape()[0]; }
    int64_t getColumns() const { return getShape()[1]; }
    TileType cloneWith(std::optional<::llvm::ArrayRef<int64_t>> shape,
                       ::mlir::Type elementType) const {
      return TileType::get(elementType.getContext(),
                           shape ? *shape : getShape(), elementType);
    }
  }];
}

def Simplex_Matrix : Type<CPred<"::llvm::isa<::simplexir::TileType>($_self) && "
    "::llvm::cast<::simplexir::TileType>($_self).getShape().size() == 2">,
    "rank-2 tile", "::simplexir::TileType">;
def Simplex_Column : Type<CPred<"::llvm::isa<::simplexir::TileType>($_self) && "
    "::llvm::cast<::simplexir::TileType>($_self).getShape().size() == 1">,
    "rank-1 tile (one number a row)", "::simplexir::TileType">;

#endif // SIMPLEXIR_TYPES_TD
