// FcDialect.cpp - registration of the fc dialect, aliases of its attributes
#include "compiler/IR/Fc.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FoldInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace fc;

#include "compiler/IR/FcDialect.cpp.inc"
#include "compiler/IR/FcEnums.cpp.inc"

namespace {
/// Places and layouts print as `#place`, `#shared`, so that types stay readable.
struct Aliases : OpAsmDialectInterface {
  using OpAsmDialectInterface::OpAsmDialectInterface;
  AliasResult getAlias(Attribute attr, raw_ostream &os) const override {
    if (isa<PlaceAttr>(attr))
      os << "place";
    else if (isa<SharedAttr>(attr))
      os << "shared";
    else
      return AliasResult::NoAlias;
    return AliasResult::OverridableAlias;
  }
};
} // namespace

void FcDialect::initialize() {
  registerAttributes();
  registerTypes();
  addOperations<
#define GET_OP_LIST
#include "compiler/IR/FcOps.cpp.inc"
      >();
  addInterfaces<Aliases>();
}
