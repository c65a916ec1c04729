using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using System.CommandLine;

var root = new RootCommand("runner");
SQLitePCL.Batteries_V2.Init();
using var c = new SqliteConnection("Data Source=:memory:");
c.Open();
using var cmd = c.CreateCommand();
cmd.CommandText = "select sqlite_version()";
Console.WriteLine(cmd.ExecuteScalar());
return root.Parse(args).Invoke();
