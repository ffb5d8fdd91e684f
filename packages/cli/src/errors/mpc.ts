/** @file Error codes of sessions, parties, transport and protocols. */
import type { Entries } from "./entry.ts";

export const MPC: Entries = {
  CHECKPOINT_DISK: {
    means: "A party could not write its part of a checkpoint. Nothing of it is kept at any party; the one before is whole.",
    fix: "Make room in that party's data directory or raise limits.disk in its configuration. The session goes on meanwhile.",
    example: "checkpoint: expected room for 752640312 bytes, got 20117",
  },
  CHECKPOINT_ROLLED_BACK: {
    means:
      "A party lacks a checkpoint that was at all parties: its data directory was lost, or an older copy was put in its place.",
    fix: "Put the newest directory back, or begin the work anew. Nothing was restored.",
    example: "resume: expected checkpoint 412, which was at all parties, got none at party 1 (clinic-b)",
    exit: 4,
  },
  CHECKPOINT_UNEQUAL: {
    means: "Two parties hold unequal shares of a value that is saved or restored, or were told different things.",
    fix: "A party lies, or its memory or disk is faulty: find out which. The checkpoint before can be resumed from.",
    example: "checkpoint 412: expected what party 2 (clinic-c) has (9f31c07a), got something else",
    exit: 4,
  },
  BROWSER_MISSING: {
    means: "A browser lacks what a person's keys and connections need.",
    fix: "Use one that has it, and open the page over https or from this machine (localhost).",
    example: "browser: expected Ed25519 in WebCrypto, got a browser without it",
  },
  COUNTERS_INVALID: {
    means: "A party's file of run and reveal counters was changed, restored from a backup, or is in use by another process.",
    fix: "End the other process; if there is none, agree on a new session: keys must not meet old counters.",
    example: "counters: expected growing numbers in counters.log, got something else in line 12",
  },
  DRIVER_BUSY: {
    means: "Another program drives this session already.",
    fix: "Close it, or wait until its connection is gone.",
    example: "drive: expected no other driver, got a second one",
  },
  DRIVER_ONLY: {
    means: "A command came from somebody who is not the driver that the session file names.",
    fix: "Use the driver's key file, or agree on a session with another driver.",
    example: "connect: expected the key of hospital-a, who drives this session, got other keys",
  },
  ENCODING_INVALID: {
    means: "A key or an identity holds text that is not hexadecimal, or has the wrong length.",
    fix: "Copy it again from where it was made.",
    example: "signing key: expected 32 bytes, got 31",
  },
  ENVELOPE_INVALID: {
    means: "A signed message is damaged, from another session, from another sender, or of another version.",
    fix: "See that all sides have the same session file and the same version of Tacit.",
    example: "envelope: expected a message of this session, got another",
    exit: 4,
  },
  GRANT_INVALID: {
    means: "A grant is damaged, is signed by somebody who may not, or belongs to another session.",
    fix: "Let the owners sign the grant that tacit plan prints, again.",
    example: "grant: expected signatures of owners named in it, got another",
    exit: 3,
  },
  HANDLE_UNKNOWN: {
    means: "A name for a stored share is not known to the parties, or names a public value.",
    fix: "Let its owner give the input first (tacit give), or pass the data.",
    example: 'input: expected an input that was given, got "images"',
  },
  HANDLE_USED: {
    means: "A name for a stored share is taken already.",
    fix: "Use a new name; stored shares are never overwritten.",
    example: 'put: expected a new handle, got "images" again',
  },
  IDENTITY_INVALID: {
    means: "An identity has a name or keys that are not allowed.",
    fix: "Make one with tacit keygen; names have 1 to 63 characters of a-z, 0-9, '.', '_' and '-'.",
    example: "identity: expected a name of 1 to 63 characters a-z, 0-9, '.', '_', '-', got something else",
  },
  INPUT_BROKEN_OFF: {
    means: "The connection over which an input came ended before all of it was there; no party kept anything of it.",
    fix: "Give it again; the other error beside this one says which connection ended.",
    example: "input hospital-a/images: expected all of it, got the end of its provider's connection",
    exit: 4,
  },
  INPUT_INVALID: {
    means: "An input has a name that its sender may not give, or arrived in another form than was announced.",
    fix: "Give it again under a name that begins with its owner's (hospital-a/images); see that both sides run the same version.",
    example: "put: expected 65536 bytes, got 65520",
  },
  INPUT_OUT_OF_RANGE: {
    means: "A value to be shared is NaN, infinite, or too large for the fixed-point numbers of the session.",
    fix: "Scale the data (pictures to [0, 1], for instance), or use fewer fraction bits.",
    example: "share: expected finite values below 2^46, got another at element 17",
  },
  INPUT_UNEQUAL: {
    means: "Two parties that must hold the same component of an input received different ones; nothing was used.",
    fix: "Let the owner give the input again; if it happens twice, the owner's software is at fault or lies.",
    example: "clinic-c's software or machine gave unequal parts: nothing was used; give the input again",
    exit: 4,
  },
  KEY_FILE: {
    means: "A key file is missing, unreadable, readable by others, or not a key file.",
    fix: "Name it with TACIT_KEY, keep its permissions at 600; an existing key file is overwritten with --force alone.",
    example: "connect: expected the driver's key file, got none",
  },
  KEY_PASSPHRASE: {
    means: "A key file's passphrase is missing, wrong, too short, or stands where everybody may read it.",
    fix: "Type it again, or name its file (--passphrase-file, TACIT_PASSPHRASE_FILE). A forgotten one cannot be found: make new keys.",
    example: "key file of clinic-a: expected its passphrase, got another",
  },
  LETTER_INVALID: {
    means:
      "The parts of a delivery do not make a result: a party has none, has an altered one, or states another value than the others.",
    fix: "Ask the party that the message names, and the driver for the delivery again; tacit receive --discard removes what is left.",
    example: "delivery 12: expected the part that party 1 (clinic-b) wrote, got an altered one",
    exit: 4,
  },
  LETTER_UNKNOWN: {
    means: "A recipient asked a party for a part that does not wait there for them.",
    fix: "It was collected already, or it is for somebody else: a party says the same of both.",
    example: "letter: expected one that waits for clinic, got 12",
  },
  MAILBOX_FULL: {
    means: "So much waits for a recipient at the parties that no more is taken; nothing was disclosed.",
    fix: "Let the recipient collect it with tacit receive; then run again.",
    example: "deliver: expected room in the mailbox of clinic (1024 letters, 134217728 bytes), got 1024 letters that wait",
    exit: 4,
  },
  MPC_ADDRESS: {
    means: "A party cannot listen at its address.",
    fix: "See whether another process has the port, or whether the address belongs to another machine.",
    example: "listen: expected a free address, got 0.0.0.0:7001",
    exit: 4,
  },
  MPC_CARRY: {
    means: "A comparison was asked for with settings that the protocol does not have: a bug of Tacit.",
    fix: "Report it with the Program.",
    example: "signBits: expected carryBits to be a multiple of 4 in 4..60, got 3",
    exit: 2,
  },
  MPC_CLOSED: {
    means: "A party was asked for a run after its session had ended.",
    fix: "Open the session again; shares that the parties still store are found by their names.",
    example: "party 1: expected an open session, got a closed one",
    exit: 4,
  },
  MPC_BUSY: {
    means: "One person has sent a party more commands than it may have unanswered there.",
    fix: "Wait for answers before you send more; end programs that run with the same keys.",
    example: "command: expected at most 512 commands of hospital-a (536870912 bytes) that are not answered, got one more",
    exit: 4,
  },
  MPC_CONNECTIONS: {
    means: "One person has as many connections to a party as it gives to one.",
    fix: "End programs that run with the same keys, or wait until their connections are gone.",
    example: "connect: expected at most 16 connections of one person to a party, got one more of clinic",
    exit: 4,
  },
  MPC_DISK: {
    means:
      "A party cannot write to its data directory, or has reached its limit of disk there. What cannot be counted does not run.",
    fix: "Make room or raise limits.disk in the party's configuration, then start it again; its counters are whole.",
    example: "counters: expected room for a line in the party's data directory, got a full disk",
    exit: 4,
  },
  MPC_FRACTION_BITS: {
    means: "An op's accuracy is stated only up to a number of fraction bits, and the session has more.",
    fix: "Agree on a session with fewer fraction bits; 16 is the default.",
    example: "softmax: expected at most 16 fraction bits, got 20",
  },
  MPC_FRAME_INVALID: {
    means: "A peer sent bytes that are not a message of the protocol.",
    fix: "See that all parties run the same version; if they do, somebody speaks out of turn.",
    example: "party 2 (clinic-c) sent bytes that are not a frame",
    exit: 4,
  },
  MPC_HANDSHAKE: {
    means: "A peer could not prove to be the party that the session file names, or has another session file.",
    fix: "Compare session ids and key fingerprints with that party by another channel.",
    example: "connect to party 1 (clinic-b): expected its pinned key, got another",
    exit: 4,
  },
  MPC_INTERNAL: {
    means: "A protocol reached a state that it should not: a bug of Tacit. Nothing was revealed.",
    fix: "Report it with the Program.",
    example: "signBits: expected four levels",
    exit: 2,
  },
  MPC_KEY: {
    means: "A party asked for a key that it does not hold: a bug of Tacit.",
    fix: "Report it.",
    example: "runKey: expected a key held by party 0, got key 1",
    exit: 2,
  },
  MPC_LINK: {
    means: "A protocol sends to a party without a link: a bug of Tacit.",
    fix: "Report it.",
    example: "party 0: expected a link to party 3, got none",
    exit: 2,
  },
  MPC_MEMORY: {
    means: "A party's limit on stored shares or Programs is reached.",
    fix: "Drop what is not needed, or agree on a larger limit in the session file.",
    example: "store: expected at most 1073741824 bytes at this party, got 1073807360",
    exit: 4,
  },
  MPC_MESSAGE_LIMIT: {
    means: "One message would be larger than the session allows.",
    fix: "Use smaller batches, or agree on a larger limit in the session file.",
    example: "send: expected at most 268435456 bytes, got 400000000 at op 14 (matmul)",
    exit: 4,
  },
  MPC_PARTY_FAILED: {
    means: "A party met an error of its own that it may not describe, because a description could hold secrets.",
    fix: "See that party's log on its own machine, and report it as a bug of Tacit.",
    example: "party: expected a command that can be done, got an internal error",
    exit: 2,
  },
  MPC_PARTY_LOST: {
    means: "A party closed its connection or its process ended.",
    fix: "See that party's log, start it again, and begin the session again from the last checkpoint.",
    example: "party 2 (clinic-c) closed the connection at op 14 of 37 (matmul)",
    exit: 4,
  },
  MPC_PAYLOAD: {
    means: "A share arrived with another length than its shape asks for.",
    fix: "See that all sides run the same version; then give the input or ask for the value again.",
    example: "importShare: expected 64 bytes for f32[4], got 60",
    exit: 4,
  },
  MPC_RANGE: {
    means: "A public number (a learning rate, a constant) is infinite, NaN, or outside the range of the protocol's arithmetic.",
    fix: "Correct the number; scale data and weights so that products stay in range.",
    example: "mpc: expected a finite public factor, got another",
  },
  MPC_RUN_OVER: {
    means: "A party waited for a message of a run that its peer has already left: one of them stopped early.",
    fix: "Look for the first error at any party; then begin the run again.",
    example: "party 1 (clinic-b): expected a receive of run 13, got one of run 12",
    exit: 4,
  },
  MPC_SHAPE: {
    means: "Arrays inside a protocol do not fit together: a bug of Tacit, since shapes are checked before a run.",
    fix: "Report it with the Program.",
    example: "conjunction: expected 1 to 36 bits, got 0",
    exit: 2,
  },
  MPC_TIMEOUT: {
    means: "A party did not answer within the session's deadline.",
    fix: "See whether it runs and can be reached (tacit doctor on its machine), then begin again from the last checkpoint.",
    example: "party 1 (clinic-b) sent nothing for 30 s at op 3 of 37 (conv2d)",
    exit: 4,
  },
  MPC_TRUNCATION: {
    means: "A truncation by a number of bits that the protocol does not have: a bug of Tacit.",
    fix: "Report it with the Program.",
    example: "truncate: expected a shift of 0 to 31 bits, got 40",
    exit: 2,
  },
  MPC_VERSION: {
    means: "The other end speaks another version of the protocol than this one.",
    fix: "Install the same version of Tacit on both sides; tacit doctor --session prints everyone's.",
    example: "handshake with party 1 (clinic-b): expected protocol version 2 (Tacit 0.1.0), got version 1 (Tacit 0.0.9)",
    exit: 4,
  },
  OP_ID: {
    means: "An op of a run has an id that keys no stream: a bug of Tacit.",
    fix: "Report it with the Program.",
    example: "mul: expected an op id of 32 bits, got -1",
    exit: 2,
  },
  OP_REUSED: {
    means: "Two ops of one run claimed the same id; running on would use a mask twice, so the party stopped.",
    fix: "Report it with the Program. Nothing was revealed.",
    example: "mul: expected an op id not used in this run, got 7 again",
    exit: 2,
  },
  OWNER_UNKNOWN: {
    means: "Data was to be shared for an owner whose key is not on this machine.",
    fix: "Let that owner give the input with tacit give on their own machine.",
    example: 'input: expected an owner whose key is on this machine, got "clinic-c"',
  },
  PARTY_BUSY: {
    means: "Another party process uses this data directory; two of them would count runs apart.",
    fix: "End the other process, or give this one a data directory of its own.",
    example: "party: expected a data directory that no other process uses, got data (process 4711)",
  },
  PARTY_CONFIG: {
    means: "The configuration of a party has a key that is missing, unknown, or has a value that is not allowed.",
    fix: "Correct the key that the message names; docs/encrypted.md lists them all.",
    example: "party.json, limits.memory: expected a whole number (megabytes) from 1 to 1048576, got a string",
  },
  PARTY_SESSIONS: {
    means: "A party's data directory holds the counters of as many sessions as limits.sessions allows.",
    fix: "Raise the limit, or move the files of sessions that have expired elsewhere. Never delete those of one that has not.",
    example: "party: expected at most 64 sessions in its data directory, got one more",
  },
  PLAN_INVALID: {
    means: "A file is not a plan of tacit plan --json, is for another session, or was changed after it was made.",
    fix: "Make the plan again with tacit plan --session and the same session file.",
    example: "approve: expected a plan for this session, got one for another",
  },
  POLICY_REFUSED: {
    means: "No grant of the owners allows this run or this disclosure, or it is used up or expired.",
    fix: "Let every owner approve what tacit plan prints; the message gives each grant's reason.",
    example: "reveal: expected a grant signed by every owner, got none that allows it (used up)",
    exit: 3,
  },
  PROBE_REFUSED: {
    means: "A party was asked more questions than it answers in a second, or was sent a command where it only answers probes.",
    fix: "Ask again in a moment; see whether somebody else's program asks without end.",
    example: "probe: expected at most 50 questions in a second, got more",
    exit: 4,
  },
  PROGRAM_UNKNOWN: {
    means: "A run names a Program that this party has not received.",
    fix: "Connect again; the driver then sends it.",
    example: "run: expected a program that was sent, got 5f2c9a10b3d4",
  },
  PROTOCOL_UNKNOWN: {
    means: "A session names a protocol that this version does not have.",
    fix: "Use one that the message lists, or a version that has it.",
    example: 'session: expected a protocol among replicated3, got "spdz"',
  },
  RAW_CONSUMED: {
    means: "The untruncated result of a product was used twice: a bug of Tacit.",
    fix: "Report it with the Program.",
    example: "truncate: expected a raw product, got one already consumed",
    exit: 2,
  },
  RECIPIENT_ELSEWHERE: {
    means: "A value was disclosed to somebody whose key is not on this machine, so it cannot be opened here.",
    fix: "Use session.deliver(tensor, { to, why }): the parties keep it, sealed, until the recipient runs tacit receive.",
    example: 'reveal: expected a recipient whose key is on this machine, got "model-owner"',
  },
  RUN_INVALID: {
    means: "A run binds inputs or outputs that do not fit its Program.",
    fix: "Compare with the Program: number, dtype and shape of its inputs.",
    example: "run: expected f32[64,784] as input 0, got f32[32,784]",
  },
  RUN_MISMATCH: {
    means: "The parties were told different things about a run; they compared before any secret was touched, and stopped.",
    fix: "Ask the driver: the software that drives the session is at fault or lies.",
    example: "run 12: expected what party 1 (clinic-b) has (5f2c9a10), got something else",
    exit: 4,
  },
  RUN_NUMBER: {
    means:
      "A run has a number that was used before or is far ahead: a message was replayed, the driver lost count, or a party names a number that no other has.",
    fix: "Connect again; the parties tell the driver the next number. Where a party is named that is far ahead of the others: start the parties anew.",
    example: "run: expected a number of at least 13 and at most 1037, got 12",
    exit: 4,
  },
  SEAL_INVALID: {
    means: "An encrypted part cannot be opened: it was sealed to somebody else, for another purpose, or was altered.",
    fix: "See that all sides have the same session file; then send it again.",
    example: "open: expected a payload sealed to this identity for this purpose, got something else",
    exit: 4,
  },
  SESSION_CLOSED: {
    means: "A session was used after it was closed.",
    fix: "Open it again; shares that the parties still store are found by their names.",
    example: "session: expected an open session, got one that was closed",
  },
  SESSION_EXPIRED: {
    means: "The session file's date has passed, or this machine's clock is wrong.",
    fix: "Agree on a new session file, or set the clock (tacit doctor looks at it).",
    example: "session: expected a time before 2027-01-01T00:00:00Z, got a later one",
    exit: 3,
  },
  SESSION_INVALID: {
    means: "A session file is missing, damaged, contradicts itself, or does not fit this key.",
    fix: "Get the file again and compare its id with the others.",
    example: "session: expected the id of its own content, got another",
  },
  STREAM_REUSED: {
    means: "A keystream was about to be used twice, which would reveal differences of secrets; the party stopped.",
    fix: "Report it with the Program. Nothing was revealed.",
    example: "streams: expected a fresh stream, got op 7 piece 0 stream 2 again",
    exit: 2,
  },
  WEB_ADDRESS: {
    means: "A page was not told where to reach the parties of its session, or may not open that address.",
    fix: "Give a ws:// or wss:// address for each party by its name; a page that came over https reaches wss:// alone.",
    example: "connect: expected a ws:// or wss:// address of clinic-c, got none",
  },
};
