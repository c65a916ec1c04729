using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Runner.Tests.Support;

/// <summary>A log that remembers every line, whatever its category.</summary>
sealed class CapturedLog : ILogger, ILoggerFactory
{
    private readonly ConcurrentQueue<(LogLevel Level, string Text)> _entries = new();

    public IReadOnlyList<string> Lines => [.. _entries.Select(entry => entry.Text)];

    public IReadOnlyList<(LogLevel Level, string Text)> Entries => [.. _entries];

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _entries.Enqueue((logLevel, formatter(state, exception)));

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("it keeps its lines itself");

    public void Dispose() { }
}
