// Picture.h - the plan of a mask, drawn: tiles by kind, the exact mask over them
#pragma once
#include "compiler/Explain/Collector.h"

namespace fc::explain {

/// An SVG of the tiles that `collector` counted for a kernel. Rows go down, keys to the right. The
/// mask is the reference evaluator's, point by point; where there are more points than can be seen,
/// a cell shows the share of its points that count. Empty, and a sentence in `error`, if there is
/// nothing to draw.
std::string drawMask(Collector &collector, llvm::StringRef kernel, std::string &error);

} // namespace fc::explain
