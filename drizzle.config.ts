import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './src/tenants/schema.ts',
  out: './src/tenants/migrations',
});
