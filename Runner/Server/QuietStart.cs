using Microsoft.Extensions.Logging;

namespace Runner.Server;

/// <summary>A log that says nothing until the server has started: a start that fails throws, and its caller tells that once.</summary>
sealed class QuietStart(ILoggerFactory inner) : ILoggerFactory
{
    private volatile bool _started;

    public void Started() => _started = true;

    public ILogger CreateLogger(string categoryName) => new Logger(this, inner.CreateLogger(categoryName));

    public void AddProvider(ILoggerProvider provider) => inner.AddProvider(provider);

    /// <summary>The log it writes to is not its own.</summary>
    public void Dispose() { }

    private sealed class Logger(QuietStart start, ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => start._started && inner.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (start._started) inner.Log(logLevel, eventId, state, exception, formatter);
        }
    }
}
