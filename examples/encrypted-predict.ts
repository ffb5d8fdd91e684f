/** @file A private prediction: the model owner shows no weight, the data owner shows no picture, and only the data owner learns the answer. */
import { data, nn, noGrad, optim, Tensor } from "@tacit/core";
import { mpc } from "@tacit/mpc";

// The model owner trains in the clear, as usual.
const { train, test } = data.drawnDigits({ train: 3000, test: 20 });
const model = nn.sequential(nn.flatten(), nn.linear(784, 64), nn.relu(), nn.linear(64, 10));
const opt = optim.adam(model, { lr: 2e-3 });
for await (const [x, y] of train.shuffle({ seed: 0 }).batch(50)) await opt.step(nn.crossEntropy(model(x), y));
const [pictures, answers] = await test.read(Int32Array.from({ length: 20 }, (_, i) => i));
const plain = await noGrad(() => model(pictures).argmax(1)).data();

await using session = await mpc.local(3, { owner: "model-owner" });
await model.to(session); // weights leave the model owner as shares
const shared = session.input("pictures", pictures, { owner: "data-owner" });
const classes = await noGrad(() => model(shared).argmax(1)).reveal({ to: "data-owner", why: "prediction" });

const same = classes.filter((c, i) => c === plain[i]).length;
const right = Tensor.from(Int32Array.from(classes, Number)).eq(answers).int().sum();
console.log(`${shared} by ${session}: ${same} of 20 answers as in the clear, ${await right.item()} right`);
const [line] = (await session.transcript())[0]!.filter((l) => l.includes('"reveal"'));
const { to, why } = JSON.parse(line!) as { to: string; why: string };
console.log(`the one disclosure that the parties took part in: ${why}, to ${to}`);
if (same < 19) throw new Error("expected the same answers on shares");
