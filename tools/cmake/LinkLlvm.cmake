# fc_link_llvm_tool(name SOURCES... LINK libs...): a tool that uses MLIR, in build/bin.
#
# Shared (development): libMLIR.so and libLLVM.so, short links. Static (FC_STATIC_LLVM): one binary that needs
# neither, small because only what fcc uses is pulled in. The two must not be mixed in one binary: Debian's
# exported MLIR archives all name the shared `LLVM` as a dependency, so it is taken off them first.

set(FC_MLIR_ARCHIVES
    MLIRArithDialect MLIRMathDialect MLIRSCFDialect MLIRGPUDialect MLIRLLVMDialect MLIRNVVMDialect
    MLIRControlFlowDialect MLIRFuncDialect MLIRLLVMIRTransforms MLIRPass MLIRTransforms MLIRTransformUtils MLIRSCFUtils
    MLIRSCFToControlFlow MLIRArithToLLVM MLIRArithTransforms MLIRMathToLLVM MLIRControlFlowToLLVM
    MLIRLLVMCommonConversion MLIRReconcileUnrealizedCasts MLIRTargetLLVMIRExport
    MLIRLLVMToLLVMIRTranslation MLIRNVVMToLLVMIRTranslation MLIRBuiltinToLLVMIRTranslation)
set(FC_LLVM_ARCHIVES
    LLVMNVPTXCodeGen LLVMNVPTXDesc LLVMNVPTXInfo LLVMPasses LLVMCodeGen LLVMAsmPrinter LLVMSelectionDAG
    LLVMTarget LLVMMC LLVMCore LLVMSupport)

if(FC_STATIC_LLVM)
  foreach(archive ${MLIR_EXPORTED_TARGETS})
    get_target_property(libraries ${archive} INTERFACE_LINK_LIBRARIES)
    if(libraries)
      list(REMOVE_ITEM libraries LLVM "\$<LINK_ONLY:LLVM>")
      set_target_properties(${archive} PROPERTIES INTERFACE_LINK_LIBRARIES "${libraries}")
    endif()
  endforeach()
endif()

function(fc_link_llvm_tool name)
  cmake_parse_arguments(ARG "SHARED" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
  target_include_directories(${name} SYSTEM PRIVATE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  fc_link_llvm(${name} ${ARG_SHARED})
endfunction()

# Links an existing target against LLVM: statically for fcc in release builds, else shared.
function(fc_link_llvm name shared)
  if(FC_STATIC_LLVM AND NOT shared)
    # libz3 comes in through LLVMSupport, unused: as-needed must stand before the libraries.
    target_link_options(${name} PRIVATE "LINKER:--as-needed" "LINKER:--gc-sections" "LINKER:--icf=all"
                                        "$<$<CONFIG:Release>:LINKER:--strip-all>")
    target_link_libraries(${name} PRIVATE ${FC_MLIR_ARCHIVES} ${FC_LLVM_ARCHIVES})
  else()
    target_link_directories(${name} PRIVATE ${LLVM_LIBRARY_DIRS})
    target_link_libraries(${name} PRIVATE MLIR LLVM-22)
    set_target_properties(${name} PROPERTIES BUILD_RPATH ${LLVM_LIBRARY_DIRS})
  endif()
endfunction()
