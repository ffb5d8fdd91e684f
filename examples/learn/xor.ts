/** @file XOR: four points that no line can part, and the hidden layer that parts them. */
import { nn, noGrad, optim, type Tensor, tensor } from "@tacit/core";

// The output is 1 where exactly one of two inputs is 1.
const x = tensor([
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
]);
const y = tensor([[0], [1], [1], [0]]);
const steps = Number(process.env.EXAMPLE_STEPS ?? 400);

async function learn(model: nn.Layer): Promise<{ loss: number; right: number }> {
  const opt = optim.adam(model, { lr: 0.1 });
  for (let step = 0; step < steps; step++) await opt.step(nn.bceWithLogits(model(x), y));
  const [loss, right] = noGrad(() => [nn.bceWithLogits(model(x), y), model(x).gt(0).eq(y.bool()).int().sum()] as const);
  return { loss: await loss.item(), right: await right.item() };
}

// A line says yes where w1·a + w2·b + c > 0. XOR asks of it
//     c < 0,   w2 + c > 0,   w1 + c > 0,   w1 + w2 + c < 0.
// The second and third add up to w1 + w2 + 2c > 0, the first and last to w1 + w2 + 2c < 0. So there is none, however long it learns:
// the best it can do is to say ½ everywhere, with a loss of ln 2 = 0.693.
const line = await learn(nn.linear(2, 1));
console.log(`a line:           loss ${line.loss.toFixed(3)}, ${line.right} of 4 right`);

// Eight lines, each bent by tanh, and a last layer that weighs them: now the region of yes may be a band.
const network = nn.sequential(nn.linear(2, 8), nn.tanh(), nn.linear(8, 1));
const bent = await learn(network);
console.log(`a hidden layer:   loss ${bent.loss.toFixed(3)}, ${bent.right} of 4 right`);

// What it says between the four points it has seen: dark is 1, light is 0; the corners are the four cases.
const SIDE = 12;
const at = (i: number): number => -0.25 + (1.5 * i) / (SIDE - 1);
const grid = Array.from({ length: SIDE * SIDE }, (_, i) => [at(i % SIDE), at(SIDE - 1 - Math.floor(i / SIDE))]);
const map: Tensor = noGrad(() => network(tensor(grid)).sigmoid());
const shades = ((await map.flatten().tolist()) as number[]).map((p) => "·░▒▓█"[Math.min(4, Math.floor(5 * p))]!.repeat(2));
for (let row = 0; row < SIDE; row++) console.log(`  ${shades.slice(row * SIDE, (row + 1) * SIDE).join("")}`);

if (bent.right !== 4 || bent.loss > 0.1) throw new Error("expected the network to learn XOR");
if (line.right === 4 || line.loss < 0.69) throw new Error("expected a line to fail");
