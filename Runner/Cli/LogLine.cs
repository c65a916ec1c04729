using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Runner.Cli;

/// <summary>The server's log: one event a line, with its time and how grave it is.</summary>
sealed class LogLine() : ConsoleFormatter(Formatter)
{
    public const string Formatter = "line";

    public override void Write<TState>(in LogEntry<TState> entry, IExternalScopeProvider? scopes, TextWriter output)
    {
        var time = DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        output.Write($"{time} {Word(entry.LogLevel)}: {OneLine(entry.Formatter(entry.State, entry.Exception))}");
        if (entry.Exception is { } exception) output.Write($" [{OneLine(exception.ToString())}]");
        output.Write('\n');
    }

    private static string OneLine(string text) => text.ReplaceLineEndings(" | ");

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Critical => "critical",
        LogLevel.Error => "error",
        LogLevel.Warning => "warning",
        LogLevel.Information => "info",
        _ => "debug",
    };
}
