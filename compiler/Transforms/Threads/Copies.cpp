// Copies.cpp - tiles from global to shared memory
//
// All threads move chunks of up to 16 bytes. Which lane moves which is the layout's: eight
// neighbours write 128 contiguous bytes of a page, so that the swizzle spreads them over all banks,
// and a page's rows are segments of global memory. Of rows with an odd number of chunks, which are
// not swizzled, eight neighbours write chunks that lie in different banks. Elements whose bounds or
// predicates fail are 0 and not touched. `cp_async` needs its 16, 8 or 4 bytes aligned at both
// ends: addresses and strides are tested at run time, once; narrower copies, and plain ones behind
// them, are the other side of the branch. What lies past bounds is a copy of 0 bytes, filled with
// zeros (PTX ISA, "cp.async").
#include "compiler/IR/MemoryAccess.h"
#include "compiler/Transforms/Threads/Lowering.h"
#include "llvm/ADT/STLExtras.h"
#include <numeric>

using namespace mlir;

namespace fc {

namespace {

/// Chunks in the order of lanes: those of a page's row, rows that share 128 bytes, pages, rows.
struct CopyOrder {
  int64_t width, page, inRow, pages, rows, low; ///< elements, chunks, pages, rows

  CopyOrder(const SharedLayout &shape, int64_t width)
      : width(width), page(shape.page), inRow(shape.page / width),
        pages(shape.columns / shape.page), rows(shape.rows) {
    low = pages == 1 ? 1 : std::gcd(shape.rows, std::max<int64_t>(8 / inRow, 1));
  }

  /// (row, column) of a chunk.
  std::pair<Value, Value> at(Emitter &emit, Value chunk) const {
    Value column = emit.mul(emit.urem(chunk, inRow), width);
    Value inPage = emit.udiv(chunk, inRow), row = emit.urem(inPage, low);
    Value rest = emit.udiv(inPage, low);
    if (pages > 1)
      column = emit.addPoint(column, emit.mul(emit.urem(rest, pages), page));
    return {emit.addPoint(emit.mul(emit.udiv(rest, pages), low), row), column};
  }
};

/// What all threads move at once: a box of rows and pages. The next box differs by a constant, and
/// so do a thread's addresses. What is odd in the number of pages (three, in heads of 96 and 192)
/// comes one after the other, not side by side, as no power of two of threads shares it evenly.
struct CopyBox {
  const CopyOrder &order;
  int64_t sideBySide, rows, pages; ///< pages next to a row's first; of a box

  CopyBox(const CopyOrder &order, int64_t threads) : order(order) {
    int64_t groups = threads / (order.inRow * order.low);
    sideBySide = std::gcd(order.pages, groups);
    rows = groups / sideBySide * order.low;
    pages = sideBySide;
    if (rows > order.rows && rows % order.rows == 0) { // no threads left over
      pages *= rows / order.rows;
      rows = order.rows;
    }
  }

  static bool divides(const CopyOrder &order, int64_t threads) {
    return threads % (order.inRow * order.low) == 0;
  }
  /// (row, column) of a thread's chunk in the first box.
  std::pair<Value, Value> at(Emitter &emit, Value thread) const {
    Value column = emit.mul(emit.urem(thread, order.inRow), order.width);
    Value inPage = emit.udiv(thread, order.inRow), row = emit.urem(inPage, order.low);
    Value rest = emit.udiv(inPage, order.low), group = emit.udiv(rest, sideBySide);
    if (sideBySide > 1)
      column = emit.addPoint(column, emit.mul(emit.urem(rest, sideBySide), order.page));
    if (pages > sideBySide) {
      Value beyond = emit.udiv(group, rows / order.low);
      group = emit.urem(group, rows / order.low);
      column = emit.addPoint(column, emit.mul(beyond, sideBySide * order.page));
    }
    return {emit.addPoint(emit.mul(group, order.low), row), column};
  }
};

/// The same for rows with an odd number of chunks, of which two fill sectors of 32 bytes and one
/// does not: rows in pairs, chunk after chunk across the first one's end. A box has `sectors` of
/// each pair side by side; two neighbours move a sector, eight those of four pairs, which lie in
/// different banks as an odd number of chunks is between them.
struct PairBox {
  int64_t inRow, rows, sectors; ///< chunks; rows of a box

  PairBox(const CopyOrder &order, int64_t threads)
      : inRow(order.inRow), rows(std::gcd(order.rows, threads)), sectors(threads / rows) {}

  static bool suits(const CopyOrder &order, int64_t threads) {
    return order.pages == 1 && order.inRow % 2 == 1 && std::gcd(order.rows, threads) % 8 == 0;
  }
  /// (row, chunk from that row's first) of a thread in the first box.
  std::pair<Value, Value> at(Emitter &emit, Value thread) const {
    Value group = emit.udiv(thread, 8);
    Value pair =
        emit.addPoint(emit.mul(emit.udiv(group, sectors), 4), emit.urem(emit.udiv(thread, 2), 4));
    Value chunk = emit.addPoint(emit.mul(emit.urem(group, sectors), 2), emit.urem(thread, 2));
    return {emit.mul(pair, 2), chunk};
  }
};

} // namespace

LogicalResult Lowering::lowerCopy(CopyOp op) {
  TileType tile = op.getSlot().getType().getTile();
  SharedLayout shape = SharedLayout::of(tile);
  StringRef minor = tile.shared().getMinor();
  Type element = tile.getElement(), memory = memoryType(element);
  int64_t width = shape.chunk();
  CopyOrder order(shape, width);
  int64_t chunks = shape.rows * shape.columns / width, threads = warps * 32;

  auto overMinor = [&](Value value) { return over(value, minor); };
  bool contiguous = contiguousAxis(op.getIndices()) == minor;
  SmallVector<std::pair<Value, Value>> rowBounds, elementBounds;
  for (auto bound : llvm::zip(op.getBounded(), op.getLimits()))
    (overMinor(std::get<0>(bound)) ? elementBounds : rowBounds)
        .push_back({std::get<0>(bound), std::get<1>(bound)});
  SmallVector<Value> rowWhere, elementWhere;
  for (Value where : op.getWhere())
    (overMinor(where) ? elementWhere : rowWhere).push_back(where);

  bool ok = true;
  auto test = [&](Point &point, ArrayRef<std::pair<Value, Value>> bounds, ArrayRef<Value> where) {
    Value allowed;
    for (auto [index, limit] : bounds) {
      Value x = evaluate(index, point, op);
      if (!x)
        return ok = false, Value();
      allowed = emit.both(allowed, emit.less(x, emit.toInteger(x.getType(), scalar(limit))));
    }
    for (Value predicate : where) {
      Value x = evaluate(predicate, point, op);
      if (!x)
        return ok = false, Value();
      allowed = emit.both(allowed, x);
    }
    return allowed;
  };
  auto address = [&](Point &point) {
    Values indices;
    for (Value index : op.getIndices()) {
      indices.push_back(evaluate(index, point, op));
      if (!indices.back())
        return ok = false, emit.zero(emit.globalPointer);
    }
    return pointerTo(op.getTensor(), indices);
  };
  Value zero = emit.zero(memory);

  /// The elements of a chunk one by one.
  auto gather = [&](Point &row, Value column) {
    Values elements;
    for (int64_t i = 0; i < width; ++i) {
      Point point;
      point.coordinates = row.coordinates;
      for (auto &[axis, value] : point.coordinates)
        if (axis == minor)
          value = emit.addPoint(column, emit.constant(i));
      Value allowed = test(point, elementBounds, elementWhere);
      elements.push_back(emit.ifThen(
          allowed, [&] { return Values{emit.load(memory, address(point), shape.bytes)}; },
          [&] { return Values{zero}; })[0]);
    }
    return elements;
  };
  SmallVector<StringRef> rowAxes = SharedLayout::rowAxes(tile);
  // A row axis and its parts are one: its points, as iotas have them, go on from part to part.
  SmallVector<StringRef> whole(rowAxes);
  if (rowAxes.size() == 2 && isPartsOf(rowAxes[0], rowAxes[1]))
    whole = {rowAxes[1]};
  /// The point at (row, column) of the slot, `dynamic` its coordinates by axis of the tile.
  auto pointAt = [&](Value rest, Value column, Values &dynamic) {
    Point point;
    dynamic.assign(tile.getAxes().size(), emit.constant(0));
    auto set = [&](StringRef name, Value x) {
      point.coordinates.push_back({name, x});
      dynamic[tile.number(name)] = x;
    };
    set(minor, column);
    int64_t below = 1;
    for (StringRef name : llvm::reverse(whole)) {
      Value x = emit.udiv(rest, below);
      below *= whole.size() == 1 ? shape.rows : tile.size(name);
      set(name, below < shape.rows ? emit.urem(x, tile.size(name)) : x);
    }
    if (whole.size() < rowAxes.size())
      set(rowAxes[0], emit.constant(0));
    return point;
  };
  auto isAlignedHere = [&] { return isAlignedFrom(op.getTensor(), op.getIndices().back(), width); };
  auto moveChunk = [&](Value chunk) {
    auto [row, column] = order.at(emit, chunk);
    Values dynamic;
    Point point = pointAt(row, column, dynamic);
    Value allowed = test(point, rowBounds, rowWhere);
    // One value of words, not elements: loads of elements, which the ways of all alignments would
    // share, were executed beside the one of 16 bytes.
    auto read = [&]() -> Value {
      if (!contiguous || !elementBounds.empty() || !elementWhere.empty() || width == 1)
        return emit.together(gather(point, column));
      Value from = address(point);
      return emit.ifThen(
          isAlignedHere(), [&] { return Values{emit.loadTogether(memory, width, from)}; },
          [&] {
            Values elements;
            for (int64_t i = 0; i < width; ++i)
              elements.push_back(
                  emit.load(memory, emit.offset(from, memory, emit.constant(i)), shape.bytes));
            return Values{emit.together(elements)};
          })[0];
    };
    Value moved = emit.ifThen(
        allowed, [&] { return Values{read()}; },
        [&] { return Values{emit.together(Values(width, zero))}; })[0];
    SlotPointer to(emit, scalar(op.getSlot()), tile, dynamic);
    emit.store(moved, to.at(SmallVector<int>(dynamic.size(), 0)), width * shape.bytes);
  };
  auto moveAll = [&](Value thread) {
    if (chunks <= threads) {
      Value mine = chunks < threads ? emit.less(thread, emit.constant(chunks)) : Value();
      emit.ifThen(mine, [&] { moveChunk(thread); });
    } else {
      emit.loop(thread, emit.constant(chunks), emit.constant(threads), {},
                [&](Value chunk, ValueRange) { return moveChunk(chunk), Values(); });
    }
  };
  int64_t chunkBytes = width * shape.bytes;
  if (op.getVia() == "plain") {
    moveAll(emit.thread());
    return success(ok);
  }
  /// Copies of `bytes` (4 or 8) each, several a chunk, where no more are aligned together.
  auto startNarrow = [&](int64_t bytes) {
    emit.loop(emit.opaque(emit.thread()), emit.constant(chunks), emit.constant(threads), {},
              [&](Value chunk, ValueRange) {
                auto [row, column] = order.at(emit, chunk);
                Values dynamic;
                Point point = pointAt(row, column, dynamic);
                Value allowed = test(point, rowBounds, rowWhere), size = emit.constant(bytes);
                if (allowed)
                  size = emit.select(allowed, size, emit.constant(0));
                Value from = address(point);
                SlotPointer slot(emit, scalar(op.getSlot()), tile, dynamic);
                Value to = slot.at(SmallVector<int>(dynamic.size(), 0));
                for (int64_t part = 0; part < chunkBytes; part += bytes)
                  emit.call("llvm.nvvm.cp.async.ca.shared.global." + std::to_string(bytes) + ".s",
                            {emit.offset(to, emit.i8, emit.constant(part)),
                             emit.offset(from, emit.i8, emit.constant(part)), size});
                return Values();
              });
    return Values();
  };
  /// The widest copies whose elements are aligned together, down from `bytes`.
  auto startAligned = [&](auto &self, int64_t bytes) -> void {
    if (bytes < 4 || bytes < shape.bytes) {
      // Nothing that the other ways would have to keep in registers.
      moveAll(emit.opaque(emit.thread()));
      return;
    }
    emit.ifThen(
        isAlignedFrom(op.getTensor(), op.getIndices().back(), bytes / shape.bytes),
        [&] { return startNarrow(bytes); }, [&] { return self(self, bytes / 2), Values(); });
  };
  if (chunkBytes < 16) {
    startAligned(startAligned, chunkBytes);
    return success(ok);
  }

  // Each thread's chunks one after the other: in boxes, or in the order of lanes.
  StringRef rowAxis = whole.size() == 1 ? whole[0] : StringRef();
  bool boxes = !rowAxis.empty() && CopyBox::divides(order, threads);
  bool pairs = !rowAxis.empty() && !boxes && PairBox::suits(order, threads);
  // The dimension whose index is the row's point, if no other index depends on the row.
  std::optional<int> rowDim;
  int dependent = 0;
  for (auto [dim, index] : llvm::enumerate(op.getIndices()))
    if (!rowAxis.empty() && over(index, rowAxis)) {
      ++dependent;
      if (index.getDefiningOp<IotaOp>())
        rowDim = int(dim);
    }
  if (dependent != 1)
    rowDim = std::nullopt;
  // The address of a thread's first chunk, apart from the tile's: what a loop leaves unchanged
  // stays outside it, and what changes is one product for all threads.
  auto firstAddress = [&](Point &point) {
    if (!rowDim)
      return address(point);
    Values indices;
    for (auto [dim, index] : llvm::enumerate(op.getIndices())) {
      Value x = int(dim) == *rowDim ? emit.toInteger(elementOf(index.getType()), point.at(rowAxis))
                                    : evaluate(index, point, op);
      if (!x)
        return ok = false, emit.zero(emit.globalPointer);
      indices.push_back(x);
    }
    Value start = scalar(op.getIndices()[*rowDim].getDefiningOp<IotaOp>().getBase());
    Value stride = tensorOf(op.getTensor()).strides[*rowDim];
    Value ofThread = emit.outside([&] { return pointerTo(op.getTensor(), indices); }, indices);
    if (Value pointer = emit.carried(op, ofThread, memory, start, stride))
      return pointer;
    start = emit.toInteger(emit.i64, start);
    if (stride)
      start = emit.mul(start, stride);
    return emit.offset(ofThread, memory, start);
  };
  // Whether every row is inside all bounds, for all threads alike: null if that cannot be told so.
  auto wholeTile = [&]() -> Value {
    Value whole;
    for (auto [index, limit] : rowBounds) {
      auto iota = index.getDefiningOp<IotaOp>();
      if (!iota)
        return {};
      Type type = elementOf(index.getType());
      int64_t points = 1; // of all parts
      for (int64_t size : iota.getOut().getType().getSizes())
        points *= size;
      Value end = emit.sub(emit.toInteger(type, scalar(limit)), emit.constant(type, points - 1));
      whole = emit.both(whole, emit.less(emit.toInteger(type, scalar(iota.getBase())), end));
    }
    for (Value predicate : rowWhere) {
      if (isa<TileType>(predicate.getType()))
        return {};
      whole = emit.both(whole, scalar(predicate));
    }
    return whole;
  };
  auto startOne = [&](Value from, Value to, Value mine, Value allowed) {
    emit.ifThen(mine, [&] {
      Value bytes = emit.constant(16);
      if (allowed)
        bytes = emit.select(allowed, bytes, emit.constant(0));
      emit.call("llvm.nvvm.cp.async.cg.shared.global.16.s", {to, from, bytes});
    });
  };
  auto startBoxes = [&](bool tested) {
    CopyBox box(order, threads);
    Values dynamic;
    Point first;
    Value firstRow, firstColumn;
    emit.once([&]() -> Value {
      std::tie(firstRow, firstColumn) = box.at(emit, emit.thread());
      first = pointAt(firstRow, firstColumn, dynamic);
      return {};
    });
    SlotPointer slot(emit, scalar(op.getSlot()), tile, dynamic, box.pages == 1 ? order.page : 0);
    Value source;
    for (int64_t rowsOn = 0; rowsOn < order.rows; rowsOn += box.rows)
      for (int64_t pagesOn = 0; pagesOn < order.pages; pagesOn += box.pages) {
        int64_t columnsOn = pagesOn * order.page;
        SmallVector<int> offsets(dynamic.size(), 0);
        Point point;
        point.coordinates = first.coordinates;
        for (auto &[axis, value] : point.coordinates) {
          int64_t on = axis == rowAxis ? rowsOn : axis == minor ? columnsOn : 0;
          value = emit.addPoint(value, emit.constant(on));
          offsets[tile.number(axis)] = on;
        }
        Value from;
        if (rowDim && source) {
          Value stride = tensorOf(op.getTensor()).strides[*rowDim];
          Value distance = emit.constant(emit.i64, rowsOn);
          from = emit.offset(source, memory, stride ? emit.mul(stride, distance) : distance);
          from = emit.offset(from, memory, emit.constant(columnsOn));
        } else {
          from = firstAddress(point);
          source = from;
        }
        Value mine;
        if (rowsOn + box.rows > order.rows)
          mine = emit.less(firstRow, emit.constant(order.rows - rowsOn));
        if (pagesOn + box.pages > order.pages)
          mine = emit.both(
              mine, emit.less(firstColumn, emit.constant((order.pages - pagesOn) * order.page)));
        startOne(from, slot.at(offsets), mine, tested ? test(point, rowBounds, rowWhere) : Value());
      }
    return Values();
  };
  auto startPairs = [&](bool tested) {
    PairBox box(order, threads);
    Values dynamic;
    Point first;
    Value firstRow, firstChunk;
    emit.once([&]() -> Value {
      std::tie(firstRow, firstChunk) = box.at(emit, emit.thread());
      first = pointAt(firstRow, emit.mul(firstChunk, width), dynamic);
      return {};
    });
    SlotPointer slot(emit, scalar(op.getSlot()), tile, dynamic);
    Value source, stride, nextRow; // from a row's end to the next one's start, in elements
    if (rowDim) {
      stride = tensorOf(op.getTensor()).strides[*rowDim];
      nextRow = emit.sub(stride ? stride : emit.constant(emit.i64, 1),
                         emit.constant(emit.i64, box.inRow * width));
    }
    for (int64_t rowsOn = 0; rowsOn < order.rows; rowsOn += box.rows)
      for (int64_t on = 0; on < 2 * box.inRow; on += 2 * box.sectors) {
        // Which of the two rows: the first, the second, or that depends on the thread.
        bool second = on >= box.inRow;
        Value beyond;
        if (!second && on + 2 * box.sectors > box.inRow)
          beyond = emit.cmp(LLVM::ICmpPredicate::sge, firstChunk, emit.constant(box.inRow - on));
        Point point;
        point.coordinates = first.coordinates;
        for (auto &[axis, value] : point.coordinates) {
          if (axis != rowAxis && axis != minor)
            continue;
          int64_t step = axis == rowAxis ? 1 : -box.inRow * width;
          value = emit.addPoint(
              value, emit.constant((axis == rowAxis ? rowsOn : on * width) + (second ? step : 0)));
          if (beyond)
            value =
                emit.addPoint(value, emit.select(beyond, emit.constant(step), emit.constant(0)));
        }
        Value from;
        if (!rowDim) {
          from = address(point);
        } else {
          if (!source)
            source = firstAddress(first);
          Value distance = emit.constant(emit.i64, rowsOn);
          from = emit.offset(source, memory, stride ? emit.mul(stride, distance) : distance);
          if (second)
            from = emit.offset(from, memory, nextRow);
          else if (beyond)
            from =
                emit.offset(from, memory, emit.select(beyond, nextRow, emit.constant(emit.i64, 0)));
          from = emit.offset(from, memory, emit.constant(on * width));
        }
        Value mine;
        if (on + 2 * box.sectors > 2 * box.inRow)
          mine = emit.less(firstChunk, emit.constant(2 * box.inRow - on));
        SmallVector<int> offsets(dynamic.size(), 0);
        offsets[tile.number(rowAxis)] = rowsOn + on / box.inRow;
        offsets[tile.number(minor)] = on % box.inRow * width;
        startOne(from, slot.at(offsets), mine, tested ? test(point, rowBounds, rowWhere) : Value());
      }
    return Values();
  };
  auto startInOrder = [&](bool tested) {
    for (int64_t done = 0; done < chunks; done += threads) {
      auto [row, column] = order.at(emit, emit.add(emit.thread(), emit.constant(done)));
      Values dynamic;
      Point point = pointAt(row, column, dynamic);
      SlotPointer slot(emit, scalar(op.getSlot()), tile, dynamic);
      Value mine = done + threads > chunks ? emit.less(emit.thread(), emit.constant(chunks - done))
                                           : Value();
      startOne(address(point), slot.at(SmallVector<int>(dynamic.size(), 0)), mine,
               tested ? test(point, rowBounds, rowWhere) : Value());
    }
    return Values();
  };
  auto startAll = [&](bool tested) {
    return boxes ? startBoxes(tested) : pairs ? startPairs(tested) : startInOrder(tested);
  };
  auto start = [&] {
    Value whole = wholeTile();
    if (!whole)
      return startAll(/*tested=*/true);
    return emit.ifThen(whole, [&] { return startAll(false); }, [&] { return startAll(true); });
  };
  emit.ifThen(isAlignedHere(), start, [&] { return startAligned(startAligned, 8), Values(); });
  return success(ok);
}

} // namespace fc
