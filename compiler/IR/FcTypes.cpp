// FcTypes.cpp - attributes and types of the fc dialect: text forms, verifiers, queries
#include "compiler/IR/Fc.h"
#include "compiler/IR/SharedLayout.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#define GET_ATTRDEF_CLASSES
#include "compiler/IR/FcAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "compiler/IR/FcTypes.cpp.inc"

namespace fc {

void FcDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "compiler/IR/FcAttrs.cpp.inc"
      >();
}

void FcDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "compiler/IR/FcTypes.cpp.inc"
      >();
}

//===-- #fc.place --------------------------------------------------------------===//

LogicalResult PlaceAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef text) {
  std::string error;
  if (!Place::parse(text, error))
    return emitError() << "place \"" << text << "\": " << error;
  return success();
}

Place PlaceAttr::place() const {
  std::string error;
  return *Place::parse(getText(), error); // verified when it was made
}

PlaceAttr PlaceAttr::get(MLIRContext *context, const Place &place) {
  return get(context, place.normal().str());
}

//===-- #fc.schedule -----------------------------------------------------------===//

int64_t ScheduleAttr::size(StringRef axis) const {
  for (auto [name, size] : llvm::zip(getAxes(), getSizes()))
    if (name.getValue() == axis)
      return size;
  return -1;
}

Attribute ScheduleAttr::parse(AsmParser &parser, Type) {
  SmallVector<StringAttr> axes;
  SmallVector<int64_t> sizes;
  int64_t warps = 0, stages = 0, parts = 1, ctas = 1;
  StringAttr splitAxis;
  auto parseItem = [&]() -> ParseResult {
    std::string key, of;
    int64_t value;
    if (parser.parseKeywordOrString(&key))
      return failure();
    if (key == "split" && succeeded(parser.parseOptionalKeywordOrString(&of)))
      splitAxis = StringAttr::get(parser.getContext(), of);
    if (parser.parseEqual() || parser.parseInteger(value))
      return failure();
    if (!of.empty())
      parts = value;
    else if (key == "warps")
      warps = value;
    else if (key == "stages")
      stages = value;
    else if (key == "ctas")
      ctas = value;
    else {
      axes.push_back(StringAttr::get(parser.getContext(), key));
      sizes.push_back(value);
    }
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater, parseItem))
    return {};
  return parser.getChecked<ScheduleAttr>(parser.getContext(), axes, sizes, warps, stages, splitAxis,
                                         parts, ctas);
}

void ScheduleAttr::print(AsmPrinter &printer) const {
  printer << "<";
  for (auto [axis, size] : llvm::zip(getAxes(), getSizes()))
    printer << axis.getValue() << " = " << size << ", ";
  printer << "warps = " << getWarps() << ", stages = " << getStages();
  if (getCtas() > 1)
    printer << ", ctas = " << getCtas();
  if (getParts() > 1)
    printer << ", split " << getSplitAxis().getValue() << " = " << getParts();
  printer << ">";
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   ArrayRef<StringAttr> axes, ArrayRef<int64_t> sizes,
                                   int64_t warps, int64_t stages, StringAttr splitAxis,
                                   int64_t parts, int64_t ctas) {
  if (warps < 1 || warps > 32)
    return emitError() << "schedule has " << warps << " warps; a CTA has 1 to 32";
  if (stages < 1)
    return emitError() << "schedule has " << stages << " stages; a ring has at least one slot";
  if (ctas < 1)
    return emitError() << "schedule has " << ctas << " CTAs an SM; it must be positive";
  if (parts < 1 || warps % parts)
    return emitError() << "schedule splits a walk into " << parts << " parts; they share " << warps
                       << " warps evenly";
  for (auto [axis, size] : llvm::zip(axes, sizes))
    if (size < 1)
      return emitError() << "tile size of `" << axis.getValue() << "` is " << size
                         << "; it must be positive";
  return success();
}

//===-- !fc.tile ---------------------------------------------------------------===//

TileType TileType::get(Type element, SmallVector<AxisSize> axes, Attribute place) {
  llvm::sort(axes, [](auto &a, auto &b) { return a.first.getValue() < b.first.getValue(); });
  SmallVector<StringAttr> names;
  SmallVector<int64_t> sizes;
  for (auto &[name, size] : axes) {
    names.push_back(name);
    sizes.push_back(size);
  }
  return get(element.getContext(), element, names, sizes, place);
}

Type TileType::getOrScalar(Type element, SmallVector<AxisSize> axes, Attribute place) {
  return axes.empty() ? element : Type(get(element, std::move(axes), place));
}

bool TileType::has(StringRef axis) const {
  return llvm::any_of(getAxes(), [&](StringAttr name) { return name.getValue() == axis; });
}

int TileType::number(StringRef axis) const {
  auto it = llvm::find_if(getAxes(), [&](StringAttr name) { return name.getValue() == axis; });
  assert(it != getAxes().end() && "the tile lacks this axis");
  return it - getAxes().begin();
}

int64_t TileType::size(StringRef axis) const {
  for (auto [name, size] : llvm::zip(getAxes(), getSizes()))
    if (name.getValue() == axis)
      return size;
  llvm_unreachable("the tile lacks this axis");
}

bool TileType::sized() const { return !llvm::is_contained(getSizes(), kUnsized); }

SmallVector<TileType::AxisSize> TileType::axisSizes() const {
  SmallVector<AxisSize> result;
  for (auto [name, size] : llvm::zip(getAxes(), getSizes()))
    result.push_back({name, size});
  return result;
}

TileType TileType::withElement(Type element) const {
  return get(getContext(), element, getAxes(), getSizes(), getPlace());
}
TileType TileType::withPlace(Attribute place) const {
  return get(getContext(), getElement(), getAxes(), getSizes(), place);
}
PlaceAttr TileType::registers() const { return dyn_cast_or_null<PlaceAttr>(getPlace()); }
SharedAttr TileType::shared() const { return dyn_cast_or_null<SharedAttr>(getPlace()); }

LogicalResult TileType::verify(function_ref<InFlightDiagnostic()> emitError, Type element,
                               ArrayRef<StringAttr> axes, ArrayRef<int64_t> sizes,
                               Attribute place) {
  if (!element.isIntOrFloat())
    return emitError() << "a tile's element is an integer or a float, not " << element;
  if (axes.empty())
    return emitError() << "a tile has at least one axis; a value without axes is a plain scalar";
  for (size_t i = 1; i < axes.size(); ++i)
    if (axes[i - 1].getValue() >= axes[i].getValue())
      return emitError() << "axes are a set: written once each, in alphabetical order, but `"
                         << axes[i].getValue() << "` follows `" << axes[i - 1].getValue() << "`";
  for (auto [axis, size] : llvm::zip(axes, sizes))
    if (size < 1 && size != kUnsized)
      return emitError() << "axis `" << axis.getValue() << "` has size " << size
                         << "; it must be positive";
  if (!place)
    return success();
  if (llvm::is_contained(sizes, kUnsized))
    return emitError() << "a tile with a place must have sizes";
  if (auto registers = dyn_cast<PlaceAttr>(place)) {
    Place digits = registers.place();
    for (auto [axis, size] : llvm::zip(axes, sizes))
      if (digits.extent(axis.getValue()) < size)
        return emitError() << "place \"" << registers.getText() << "\" holds "
                           << digits.extent(axis.getValue()) << " elements along `"
                           << axis.getValue() << "`, but the tile has " << size;
    for (const Digit &digit : digits.digits)
      if (!digit.axis.empty() &&
          llvm::none_of(axes, [&](StringAttr axis) { return axis.getValue() == digit.axis; }))
        return emitError() << "place \"" << registers.getText() << "\" has the axis `" << digit.axis
                           << "`, which the tile lacks";
    return success();
  }
  if (auto shared = dyn_cast<SharedAttr>(place)) {
    for (auto [axis, size] : llvm::zip(axes, sizes))
      if (axis.getValue() == shared.getMinor()) {
        if (shared.getPage() < 1 || size % shared.getPage())
          return emitError() << "a page of " << shared.getPage() << " elements does not divide `"
                             << axis.getValue() << "`, which has " << size;
        return success();
      }
    return emitError() << "the minor axis `" << shared.getMinor() << "` is none of the tile's";
  }
  return emitError() << "a place is #fc.place or #fc.shared, not " << place;
}

Type TileType::parse(AsmParser &parser) {
  Type element;
  SmallVector<AxisSize> axes;
  Attribute place;
  auto parseAxis = [&]() -> ParseResult {
    StringRef name;
    int64_t size = kUnsized;
    if (parser.parseKeyword(&name))
      return failure();
    if (succeeded(parser.parseOptionalColon()) && parser.parseInteger(size))
      return failure();
    axes.push_back({StringAttr::get(parser.getContext(), name), size});
    return success();
  };
  if (parser.parseLess() || parser.parseType(element) || parser.parseComma() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseAxis))
    return {};
  if (succeeded(parser.parseOptionalComma()) && parser.parseAttribute(place))
    return {};
  if (parser.parseGreater())
    return {};
  SmallVector<StringAttr> names;
  SmallVector<int64_t> sizes;
  for (auto &[name, size] : axes) {
    names.push_back(name);
    sizes.push_back(size);
  }
  return parser.getChecked<TileType>(parser.getContext(), element, names, sizes, place);
}

void TileType::print(AsmPrinter &printer) const {
  printer << "<" << getElement() << ", [";
  llvm::interleaveComma(llvm::zip(getAxes(), getSizes()), printer, [&](auto axis) {
    printer << std::get<0>(axis).getValue();
    if (std::get<1>(axis) != kUnsized)
      printer << ": " << std::get<1>(axis);
  });
  printer << "]";
  if (getPlace())
    printer << ", " << getPlace();
  printer << ">";
}

//===-- !fc.ring, !fc.slot -----------------------------------------------------===//

static LogicalResult verifyShared(function_ref<InFlightDiagnostic()> emitError, TileType tile) {
  if (!tile.shared())
    return emitError() << "a slot's tile lives in shared memory, but " << tile << " does not";
  return success();
}

LogicalResult RingType::verify(function_ref<InFlightDiagnostic()> emitError, TileType tile,
                               int64_t slots) {
  if (slots < 1)
    return emitError() << "a ring has at least one slot, not " << slots;
  return verifyShared(emitError, tile);
}

LogicalResult SlotType::verify(function_ref<InFlightDiagnostic()> emitError, TileType tile) {
  return verifyShared(emitError, tile);
}

//===-- Queries over types -----------------------------------------------------===//

Type elementOf(Type type) {
  if (auto tile = dyn_cast<TileType>(type))
    return tile.getElement();
  if (auto slot = dyn_cast<SlotType>(type))
    return slot.getTile().getElement();
  return type;
}

SmallVector<TileType::AxisSize> axesOf(Type type) {
  if (auto tile = dyn_cast<TileType>(type))
    return tile.axisSizes();
  if (auto slot = dyn_cast<SlotType>(type))
    return slot.getTile().axisSizes();
  return {};
}

std::optional<SmallVector<TileType::AxisSize>>
unionOfAxes(TypeRange types, function_ref<InFlightDiagnostic()> emitError) {
  SmallVector<TileType::AxisSize> result;
  for (Type type : types)
    for (auto [axis, size] : axesOf(type)) {
      auto it = llvm::find_if(result, [&](auto &entry) { return entry.first == axis; });
      if (it == result.end()) {
        result.push_back({axis, size});
      } else if (it->second != size) {
        emitError() << "axis `" << axis.getValue() << "` has size " << it->second << " and " << size
                    << " in one operation";
        return std::nullopt;
      }
    }
  llvm::sort(result, [](auto &a, auto &b) { return a.first.getValue() < b.first.getValue(); });
  return result;
}

static constexpr StringLiteral kParts = ".part";

StringAttr partsOf(StringAttr axis) {
  return StringAttr::get(axis.getContext(), axis.getValue() + kParts);
}
bool isParts(StringRef axis) { return axis.ends_with(kParts); }
bool isPartsOf(StringRef parts, StringRef axis) {
  return parts.consume_back(kParts) && parts == axis;
}

SmallVector<TileType::AxisSize> wholeAxesOf(Type type) {
  SmallVector<TileType::AxisSize> axes = axesOf(type);
  llvm::erase_if(axes, [](auto &entry) { return isParts(entry.first); });
  return axes;
}

bool over(Value value, StringRef axis) {
  return llvm::any_of(axesOf(value.getType()),
                      [&](auto &entry) { return entry.first.getValue() == axis; });
}

} // namespace fc
