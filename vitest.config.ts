import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "node",
          include: ["packages/*/{src,test}/**/*.test.ts", "bench/**/*.test.ts", "tools/**/*.test.ts"],
          exclude: ["**/*.browser.test.ts", "**/node_modules/**"],
          environment: "node",
          testTimeout: 60_000,
        },
      },
    ],
  },
});

export default config;
