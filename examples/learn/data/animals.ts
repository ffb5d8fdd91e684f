/** @file A small world for word2vec: animals, grown and young. No sentence holds both words of a pair, so the relation is never told. */
import { Random } from "@tacit/core";

/** Grown, young, and two words that only this kind is seen with. */
const KINDS = [
  ["cat", "kitten", "meows", "mouse"],
  ["dog", "puppy", "barks", "bone"],
  ["cow", "calf", "moos", "meadow"],
  ["horse", "foal", "neighs", "saddle"],
  ["sheep", "lamb", "bleats", "wool"],
  ["pig", "piglet", "grunts", "mud"],
  ["hen", "chick", "clucks", "corn"],
  ["goose", "gosling", "honks", "pond"],
  ["frog", "tadpole", "croaks", "reed"],
  ["bear", "cub", "growls", "honey"],
  ["deer", "fawn", "bells", "forest"],
  ["swan", "cygnet", "hisses", "lake"],
] as const;
/** Words that go with an age, of whatever kind. */
const GROWN = ["old", "strong", "guards", "hunts", "leads", "parent"];
const YOUNG = ["tiny", "weak", "plays", "follows", "sleeps", "newborn"];

/** `count` sentences such as "the tiny kitten meows and plays near the mouse", one a line. */
export function animalText(count: number, seed = 7): string {
  const random = new Random(seed);
  const pick = <T>(list: readonly T[]): T => list[random.integer(0, list.length)]!;
  const lines = Array.from({ length: count }, () => {
    const [grown, young, sound, place] = pick(KINDS);
    const [animal, age] = random.integer(0, 2) === 1 ? [young, YOUNG] : [grown, GROWN];
    return `the ${pick(age)} ${animal} ${pick([sound, pick(age)])} and ${pick(age)} near the ${pick([place, sound])}`;
  });
  return lines.join("\n");
}

/** "cat kitten dog puppy": all 132 of them, one a line. */
export function animalQuestions(): string {
  const lines = KINDS.flatMap(([a, b]) => KINDS.flatMap(([c, d]) => (a === c ? [] : [`${a} ${b} ${c} ${d}`])));
  return lines.join("\n");
}
