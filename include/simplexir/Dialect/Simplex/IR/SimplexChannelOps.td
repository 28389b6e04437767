//===- SimplexChannelOps.td - Warps that only copy ---------*- tablegen -*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Some warps copy tiles into the slots of a ring, the others multiply them. A
// channel is what they tell each other about the n slots: a buffer in shared
// memory, memref<2xnxi64>, of a barrier `full` and a barrier `empty` (an
// mbarrier each) a slot. A pass over the ring has a phase, false in the first
// one and then changing, by which both sides know a slot's next use from its
// last one.
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_CHANNEL_OPS_TD
#define SIMPLEXIR_CHANNEL_OPS_TD

include "simplexir/Dialect/Simplex/IR/SimplexTypes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Simplex_Channel : MemRefRankOf<[I64], [2]>;
def Simplex_Answer : MemRefRankOf<[I64], [1]>;

class Simplex_ChannelOp<string mnemonic, list<Trait> traits = []> :
    Simplex_Op<mnemonic, traits # [MemoryEffects<[MemRead, MemWrite]>]> {
  let hasVerifier = 1;
}

def Simplex_SpecializeOp : Simplex_Op<"specialize",
    [SingleBlock, NoTerminator, NoRegionArguments, RecursiveMemoryEffects]> {
  let summary = "Warps that copy beside warps that compute";
  let description = [{
    The warps of the schedule run `compute`, four more run `copy`, at the same
    time. What `copy` does with tiles and rows is done by its four warps; a
    `simplex.vote` in `compute` is among the warps that compute. Registers go
    from those that copy to those that compute.

    ```mlir
    func.func @roles(%begin: index, %end: index, %step: index) {
      simplex.specialize copy {
        scf.for %t = %begin to %end step %step {
        }
      } compute {
        simplex.copy_wait
      }
      return
    }
    ```
  }];
  let regions = (region SizedRegion<1>:$copy, SizedRegion<1>:$compute);
  let assemblyFormat = "`copy` $copy `compute` $compute attr-dict";
}

def Simplex_OpenChannelOp : Simplex_ChannelOp<"open_channel"> {
  let summary = "Make all slots of a channel empty";
  let description = [{
    By one thread, before warps part. Complete only after a barrier. For
    `by_threads` see `simplex.release`; where `by_maps` holds, its slots are
    filled by `simplex.fetch`, not by copies: by one, or by as many as `fetches`
    says for each slot.

    ```mlir
    func.func @open() {
      %channel = memref.alloc() : memref<2x3xi64, #gpu.address_space<workgroup>>
      simplex.open_channel %channel : memref<2x3xi64, #gpu.address_space<workgroup>>
      gpu.barrier
      return
    }
    ```
  }];
  let arguments = (ins Simplex_Channel:$channel, UnitAttr:$by_threads,
                       Optional<I1>:$by_maps,
                       OptionalAttr<DenseI64ArrayAttr>:$fetches);
  let assemblyFormat = [{
    $channel (`by_threads` $by_threads^)? (`by_maps` $by_maps^)? (`fetches` $fetches^)?
    attr-dict `:` type($channel)
  }];
}

def Simplex_AcquireOp : Simplex_ChannelOp<"acquire"> {
  let summary = "Wait until a slot is empty";
  let description = [{
    Before a copy into a slot: until what the last pass over the ring put there
    has been released. In the first pass (phase false) there is nothing to wait
    for.

    ```mlir
    func.func @acquire(%channel: memref<2x3xi64, 3>, %slot: index, %phase: i1) {
      simplex.acquire %channel[%slot] phase %phase : memref<2x3xi64, 3>
      return
    }
    ```
  }];
  let arguments = (ins Simplex_Channel:$channel, Index:$slot, I1:$phase);
  let assemblyFormat = "$channel `[` $slot `]` `phase` $phase attr-dict `:` type($channel)";
}

def Simplex_CommitOp : Simplex_Op<"commit", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "The copies so far are a group";
  let description = [{
    Copies that this thread has started since the last `simplex.commit` become a
    group, the unit that `simplex.announce` waits for.

    ```mlir
    func.func @commit(%channel: memref<2x3xi64, 3>, %slot: index) {
      simplex.commit
      simplex.announce %channel[%slot] : memref<2x3xi64, 3>
      return
    }
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def Simplex_AnnounceOp : Simplex_ChannelOp<"announce"> {
  let summary = "Say that a slot is full";
  let description = [{
    Waits until this thread's groups of copies have arrived, but for the last
    `leaving` ones; then a slot is full once all warps that copy have said so.
    (A `simplex.fetch` announces itself.)

    ```mlir
    func.func @announce(%channel: memref<2x3xi64, 3>, %slot: index) {
      simplex.announce %channel[%slot] leaving 1 : memref<2x3xi64, 3>
      return
    }
    ```
  }];
  let arguments = (ins Simplex_Channel:$channel, Index:$slot,
                       DefaultValuedAttr<I64Attr, "0">:$leaving);
  let assemblyFormat = [{
    $channel `[` $slot `]` (`leaving` $leaving^)? attr-dict `:` type($channel)
  }];
}

def Simplex_HasMapsOp : Simplex_Op<"has_maps", [Pure]> {
  let summary = "Has the launch brought tensor maps?";
  let description = [{
    Of each operand that the kernel fetches with `simplex.fetch`. A launch has
    none where an operand's address or strides do not allow it.

    ```mlir
    func.func @ask() -> i1 {
      %maps = simplex.has_maps
      return %maps : i1
    }
    ```
  }];
  let results = (outs I1:$maps);
  let assemblyFormat = "attr-dict";
}

def Simplex_FetchOp : Simplex_ChannelOp<"fetch"> {
  let summary = "Start a tensor copy of rows, which announces itself";
  let description = [{
    One thread of those that copy waits until a slot is empty, as with
    `simplex.acquire`, and asks for the rows source[batch, sequence + r, head, :]
    by the tensor map of `source`, an argument of the kernel; rows and columns
    that the operand does not have arrive as zeros. They go to boxes, as with
    `simplex.copy`. The slot is full when they are there, and what its other
    fetches bring (`simplex.open_channel`): nobody announces it.
    The other threads do not wait: the slot may be filled and emptied again and
    again while they are elsewhere, and a phase does not say how often. Only
    where `simplex.has_maps`. Without a `phase` the slot is known to be empty,
    and the thread does not wait.

    ```mlir
    func.func @fetch(%key: memref<1x?x8x128xbf16>, %b: index, %j: index, %g: index,
                     %boxes: memref<2x64x64xbf16, 3>, %channel: memref<2x3xi64, 3>, %slot: index, %phase: i1) {
      simplex.fetch %key[%b, %j, %g] to %boxes, %channel[%slot] phase %phase
          : memref<1x?x8x128xbf16> to memref<2x64x64xbf16, 3>, memref<2x3xi64, 3>
      return
    }
    ```
  }];
  let arguments = (ins AnyMemRef:$source, Index:$batch, Index:$sequence,
                       Index:$head, AnyMemRef:$destination,
                       Simplex_Channel:$channel, Index:$slot,
                       Optional<I1>:$phase);
  let assemblyFormat = [{
    $source `[` $batch `,` $sequence `,` $head `]` `to` $destination `,`
    $channel `[` $slot `]` (`phase` $phase^)? attr-dict
    `:` type($source) `to` type($destination) `,` type($channel)
  }];
}

def Simplex_ReceiveOp : Simplex_ChannelOp<"receive"> {
  let summary = "Wait until a slot is full";
  let description = [{
    Before a product reads a slot: until this pass over the ring has filled it.
    May be done again until the slot is released.

    ```mlir
    func.func @receive(%channel: memref<2x3xi64, 3>, %slot: index, %phase: i1) {
      simplex.receive %channel[%slot] phase %phase : memref<2x3xi64, 3>
      return
    }
    ```
  }];
  let arguments = (ins Simplex_Channel:$channel, Index:$slot, I1:$phase);
  let assemblyFormat = "$channel `[` $slot `]` `phase` $phase attr-dict `:` type($channel)";
}

def Simplex_ReleaseOp : Simplex_ChannelOp<"release"> {
  let summary = "A slot has been read";
  let description = [{
    After the products that read a slot are complete, in every warp that
    computes, once in each pass over the ring: with a `condition`, where it
    holds. Where a channel is released `by_threads`, its slots are read by
    loads, not by products: every thread says so for itself.

    ```mlir
    func.func @release(%channel: memref<2x3xi64, 3>, %slot: index, %there: i1) {
      simplex.release %channel[%slot] if %there : memref<2x3xi64, 3>
      return
    }
    ```
  }];
  let arguments = (ins Simplex_Channel:$channel, Index:$slot,
                       Optional<I1>:$condition, UnitAttr:$by_threads);
  let assemblyFormat = [{
    $channel `[` $slot `]` (`if` $condition^)? (`by_threads` $by_threads^)? attr-dict `:` type($channel)
  }];
}

def Simplex_OpenAnswerOp : Simplex_ChannelOp<"open_answer"> {
  let summary = "Nobody has answered yet";
  let description = [{
    By one thread, before warps part. Complete only after a barrier. An answer
    is given once.

    ```mlir
    func.func @open() {
      %answer = memref.alloc() : memref<2xi64, #gpu.address_space<workgroup>>
      simplex.open_answer %answer : memref<2xi64, #gpu.address_space<workgroup>>
      gpu.barrier
      return
    }
    ```
  }];
  let arguments = (ins Simplex_Answer:$answer);
  let assemblyFormat = "$answer attr-dict `:` type($answer)";
}

def Simplex_GiveAnswerOp : Simplex_ChannelOp<"give_answer"> {
  let summary = "Tell the warps that copy yes or no";
  let description = [{
    By all threads that compute, each of which knows the answer. No and yes
    have a barrier each, and only one of them is ever complete.

    ```mlir
    func.func @give(%answer: memref<2xi64, 3>, %wrong: i1) {
      %again = simplex.vote %wrong
      simplex.give_answer %answer, %again : memref<2xi64, 3>
      return
    }
    ```
  }];
  let arguments = (ins Simplex_Answer:$answer, I1:$yes);
  let assemblyFormat = "$answer `,` $yes attr-dict `:` type($answer)";
}

def Simplex_AwaitAnswerOp : Simplex_ChannelOp<"await_answer"> {
  let summary = "Wait for yes or no";
  let description = [{
    The answer of `simplex.give_answer`, however often it is asked for.

    ```mlir
    func.func @await(%answer: memref<2xi64, 3>) -> i1 {
      %again = simplex.await_answer %answer : memref<2xi64, 3>
      return %again : i1
    }
    ```
  }];
  let arguments = (ins Simplex_Answer:$answer);
  let results = (outs I1:$yes);
  let assemblyFormat = "$answer attr-dict `:` type($answer)";
}

#endif // SIMPLEXIR_CHANNEL_OPS_TD
