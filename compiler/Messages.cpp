// Messages.cpp - diagnostics of passes with source lines and carets; reproducers of crashes
#include "compiler/Messages.h"
#include "mlir/IR/Location.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;

namespace fc {

namespace {

/// Keeps the reproducer in memory: whether it is wanted is known only when all messages are in.
struct MemoryReproducer : ReproducerStream {
  explicit MemoryReproducer(std::string &text) : stream(text) {}
  StringRef description() override { return "memory"; }
  raw_ostream &os() override { return stream; }
  llvm::raw_string_ostream stream;
};

/// What MLIR's crash handler says by itself; `finish` says it better.
bool isCrashHandlersOwn(StringRef text) {
  return text.starts_with("Failures have been detected while processing an MLIR pass pipeline") ||
         text.starts_with("A failure has been detected while processing the MLIR module");
}

FileLineColLoc placeOf(Location loc) {
  if (auto place = dyn_cast<FileLineColLoc>(loc))
    return place;
  if (auto named = dyn_cast<NameLoc>(loc))
    return placeOf(named.getChildLoc());
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return placeOf(call.getCallee());
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (FileLineColLoc place = placeOf(part))
        return place;
  return {};
}

} // namespace

Messages::Messages(MLIRContext &context, const std::vector<dsl::SourceFile> &files,
                   raw_ostream &errors, bool color)
    : files(files), errors(errors), color(color), handler(&context, [this](Diagnostic &diagnostic) {
        auto convert = [](Diagnostic &from) {
          return Message{from.getSeverity(), from.getLocation(), from.str(), {}};
        };
        Message message = convert(diagnostic);
        for (Diagnostic &note : diagnostic.getNotes())
          message.notes.push_back(convert(note));
        // The forms of a kernel have the same to say.
        if (!isCrashHandlersOwn(message.text) && !llvm::is_contained(messages, message))
          messages.push_back(std::move(message));
        return success();
      }) {
  context.printOpOnDiagnostic(false); // messages show the user's line, not ours
}

void Messages::catchCrashes(PassManager &passes) {
  passes.enableCrashReproducerGeneration(
      [this](std::string &) { return std::make_unique<MemoryReproducer>(reproducer); },
      /*genLocalReproducer=*/false);
}

void Messages::print(const Message &message) {
  static constexpr StringLiteral names[] = {"note", "warning", "error", "remark"};
  static constexpr raw_ostream::Colors colors[] = {raw_ostream::CYAN, raw_ostream::MAGENTA,
                                                   raw_ostream::RED, raw_ostream::BLUE};
  FileLineColLoc place = placeOf(message.loc);
  if (place)
    errors << place.getFilename().getValue() << ":" << place.getLine() << ":" << place.getColumn()
           << ": ";
  else
    errors << "fcc: ";
  if (color)
    errors.changeColor(colors[int(message.severity)], /*Bold=*/true);
  errors << names[int(message.severity)] << ": ";
  if (color)
    errors.resetColor();
  errors << message.text << "\n";
  if (place)
    for (const dsl::SourceFile &file : files) {
      if (file.path != place.getFilename().getValue())
        continue;
      StringRef rest = file.text;
      for (unsigned line = 1; line < place.getLine(); ++line)
        rest = rest.split('\n').second;
      StringRef line = rest.split('\n').first;
      constexpr size_t longest = 160; // a caret far to the right of a huge line helps nobody
      if (!line.empty() && line.size() <= longest) {
        errors << "  " << line << "\n  ";
        for (char c : line.take_front(place.getColumn() ? place.getColumn() - 1 : 0))
          errors << (c == '\t' ? '\t' : ' ');
        errors << "^\n";
      }
      break;
    }
  for (const Message &note : message.notes)
    print(note);
}

void Messages::finish(bool ok) {
  bool explained = false;
  for (const Message &message : messages) {
    print(message);
    explained |= message.severity == DiagnosticSeverity::Error;
  }
  messages.clear();
  if (ok || explained)
    return;
  errors << "fcc: error: a pass failed without saying why; this is a bug in fcc\n";
  if (reproducer.empty())
    return;
  llvm::SmallString<128> path;
  int descriptor;
  if (llvm::sys::fs::createUniqueFile("fcc-crash-%%%%%%.mlir", descriptor, path))
    return;
  llvm::raw_fd_ostream(descriptor, /*shouldClose=*/true) << reproducer;
  errors << "fcc: note: rerun it with `fc-opt --run-reproducer " << path << "`\n";
}

} // namespace fc
